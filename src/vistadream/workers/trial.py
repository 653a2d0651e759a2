"""One worker of a measurement: `python -m vistadream.workers.trial WORD...` runs the sample again and again.

It runs the sample once and writes a line; for each line that it reads it runs it once more and answers by a line.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import suppress
from itertools import chain
from pathlib import Path

import psutil

from vistadream.formats.files import sha256_of


def main() -> None:
    """Answers until standard input ends."""
    from vistadream.workers.carry_out import carry_out

    answers = sys.stdout
    sys.stdout = sys.stderr
    with suppress(BrokenPipeError), tempfile.TemporaryDirectory(prefix="vistadream-tune-") as folder:
        for number, _ in enumerate(chain(("once\n",), iter(sys.stdin.readline, ""))):
            run = Path(folder) / str(number)
            carry_out("single_img", sys.argv[1:], run)
            answers.write(json.dumps(_facts(run)) + "\n")
            answers.flush()


def _facts(run: Path) -> dict[str, object]:
    return {"digest": sha256_of(run / "export" / "gaussians.ply"), "rss_bytes": psutil.Process().memory_info().rss}


if __name__ == "__main__":
    main()
