"""The command `vistadream tune`: measures how many workers suit this machine, and keeps the answer for the service."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from vistadream.commands.guard import Act
from vistadream.core import UserError

HELP = """\
usage: vistadream tune [--json]

Measures on the sample how many workers share the processors of this machine best, and keeps the answer:
vistadream serve workers=auto takes it as long as machine and versions stay the same. It takes a minute or two, in which
nothing else should work here. Scenes are the same whatever is chosen: a choice that changed a byte of them is left out.

flags:
  -h, --help       this text
  --json           every measurement, for programs
  -v, --verbose    show the traceback of an error
"""


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(HELP)
    if odd := [word for word in words if word != "--json"]:
        raise UserError(f"cannot read {odd[0]!r}; wanted --json or nothing: see vistadream tune --help")
    return lambda: _tune("--json" in words)


def _tune(as_json: bool) -> None:
    from vistadream.workers.slots import visible_gpus
    from vistadream.workers.tuning import facts, kept_at, tuned

    if visible_gpus():
        raise UserError(
            "this machine has a GPU, on which one worker is best; wanted one without: nothing is to be chosen"
        )
    choice = tuned(_say, anew=True)
    if as_json:
        found = {"facts": facts(), **({} if choice is None else asdict(choice))}
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    elif choice is None:
        sys.stdout.write("one core: one worker with one thread is all that can be chosen\n")
    else:
        lines = [f"left out: {reason}" for reason in choice.left_out]
        best = f"best: workers={choice.best.workers}, which workers=auto takes from now on; kept in {kept_at()}"
        sys.stdout.write("".join(f"{line}\n" for line in [*lines, best]))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
