"""The command `vistadream app`: the page in a browser, with the service behind it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vistadream.commands.guard import Act
from vistadream.commands.serve import needs_the_extra
from vistadream.config.own_file import own_knobs, own_reference, own_yaml

HELP = """\
usage: vistadream app [KNOB=VALUE ...]

Opens a page in the browser: drop a photo, watch it become a scene, walk in it, change it (docs/app.md). On a machine
without a display it prints the address and the line for ssh. Jobs are kept on disk, and go on where they were when
anything is killed. Ctrl-C ends it in order, and again at once.

flags:
  -h, --help       this text, and every knob with its default
  --cfg            print the configuration and stop
  -v, --verbose    show the traceback of an error

examples:
  vistadream app
  vistadream app browser=never port=7870 data=/srv/scenes

knobs, with their defaults:
"""


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(f"{HELP}\n{own_reference('app')}\n{own_reference('serve')}")
    with needs_the_extra():
        from vistadream.service.local_app import AppDoor, AppKnobs
        from vistadream.service.server import serve
    if "--cfg" in words:
        return lambda: sys.stdout.write(own_yaml("app", AppKnobs, words))
    knobs = own_knobs("app", AppKnobs, words)
    return lambda: serve(knobs, AppDoor(knobs.browser))
