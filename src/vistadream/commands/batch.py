"""The command `vistadream batch`: many photographs, each a scene."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from vistadream.commands.guard import Act
from vistadream.config import name_of
from vistadream.config.own_file import own_reference
from vistadream.core import UserError

HELP = """\
usage: vistadream batch images=DIR [out=OUT] [KNOB=VALUE ...]
       vistadream batch status OUT           where it stands, whether it runs or not
       vistadream batch quarantine OUT       the pictures that were given up, each with its sentence
       vistadream batch retry OUT [ID ...]   has these, or all of them, tried again by the next start
       vistadream batch report OUT           writes OUT/report.html and OUT/report.json now

Makes a scene of each picture, and publishes it in OUT/items/. The same command again goes on with what is left,
whatever ended the one before. The first Ctrl-C lets the scenes under way end, the second one interrupts them.

At 512 px stage=fine the PLY of a scene has 18.8 MB, its SOG about 3.1, a whole run folder about 100.

flags:
  -h, --help       this text, and every knob with its default
  -v, --verbose    show the traceback of an error

examples:
  vistadream batch images=photos/ out=scenes/
  vistadream batch images=photos/ out=scenes/ stage=fine max_resolution=768 workers=2
  vistadream batch images=photos/ out=scenes/ seed=0,1 'export.gaussians.formats=[sog]' batch.add=true

knobs of the batch, with their defaults; those of the scenes are listed by vistadream single-img --help:
"""


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if not words or {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(f"{HELP}\n{own_reference('batch')}")
    first, *rest = words
    if first == "worker":
        return _worker(rest)
    if first in ("status", "retry", "quarantine", "report"):
        from vistadream.batch.look import ask

        return ask(first, rest)
    if odd := [word for word in words if "=" not in word]:
        raise UserError(f"cannot read {odd[0]!r}; wanted knob=value, or a flag: see --help")
    from vistadream.batch.run import run

    return partial(run, words)


def _worker(words: Sequence[str]) -> Act:
    """One worker process, as the engine local starts it."""
    from vistadream.batch.worker import be_worker

    own = {name_of(word): word.partition("=")[2] for word in words if name_of(word) in ("name", "parent")}
    rest = [word for word in words if name_of(word) not in own]
    parent = int(own["parent"]) if own.get("parent", "").isdigit() else None
    return partial(be_worker, rest, own.get("name"), parent)
