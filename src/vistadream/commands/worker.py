"""The command `vistadream worker`: carries out the jobs of a data folder, without a server."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from vistadream.commands.guard import Act
from vistadream.config.own_file import own_knobs, own_reference, own_yaml
from vistadream.core import UserError

HELP = """\
usage: vistadream worker [data=DIR] [KNOB=VALUE ...]

Carries out the jobs of a data folder, one after the other. `vistadream serve` starts such workers itself; one more, on
this machine or on another that sees the same disk with its locks, helps with the same queue. Ctrl-C interrupts its job,
with which another worker goes on.

flags:
  -h, --help       this text, and every knob with its default
  --cfg            print the configuration and stop
  -v, --verbose    show the traceback of an error

knobs, with their defaults:
"""


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(f"{HELP}\n{own_reference('worker')}")
    try:
        from vistadream.service.queue.worker import WorkerKnobs, be_worker
    except ModuleNotFoundError as error:
        raise UserError(
            f"the package {error.name} is not installed; wanted those of the service: pip install 'vistadream[serve]'"
        ) from error
    if "--cfg" in words:
        return lambda: sys.stdout.write(own_yaml("worker", WorkerKnobs, words))
    return partial(be_worker, own_knobs("worker", WorkerKnobs, words))
