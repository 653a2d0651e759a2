"""The command `vistadream serve`: the main job over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from vistadream.commands.guard import Act
from vistadream.config.own_file import own_knobs, own_reference, own_yaml
from vistadream.core import UserError
from vistadream.service.knobs import ServeKnobs

HELP = """\
usage: vistadream serve [KNOB=VALUE ...]

Takes pictures over HTTP on this machine and gives scenes back: docs/service.md. Jobs are kept on disk, and go on where
they were when anything is killed. Ctrl-C ends it in order, and again at once.

flags:
  -h, --help       this text, and every knob with its default
  --cfg            print the configuration and stop
  -v, --verbose    show the traceback of an error

examples:
  vistadream serve
  vistadream serve port=auto data=/srv/scenes
  vistadream serve uds=/run/user/1000/vistadream.sock
  vistadream serve engine=ray ray.address=HEAD:6379 data=/share/scenes database_env=QUEUE_URL
  curl -F file=@photo.jpg http://127.0.0.1:8000/v1/predict

knobs, with their defaults:
"""


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(f"{HELP}\n{own_reference('serve')}")
    if "--cfg" in words:
        return lambda: sys.stdout.write(own_yaml("serve", ServeKnobs, words))
    knobs = own_knobs("serve", ServeKnobs, words)
    with needs_the_extra():
        if knobs.engine == "ray":
            from vistadream.service.ray_serve import serve
        else:
            from vistadream.service.server import serve
    return partial(serve, knobs)


@contextmanager
def needs_the_extra() -> Iterator[None]:
    """UserError where the block imports a library of the service that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"the package {error.name} is not installed; wanted those of the service: pip install 'vistadream[serve]'"
        ) from error
