"""The command `vistadream`: hands the words of `single-img` over to the app and turns its errors into exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

HELP = """\
usage: vistadream single-img [image=PATH] [stage=no-outpaint|outpaint|coarse|fine] [KNOB=VALUE ...] [flags]

Turns one photograph into a scene of 3D Gaussians and leaves a PLY, a video and a report in a run folder.
Without image= it uses a sample scene of its own. +image=PATH is the same as image=PATH.

flags:
  -h, --help       this text, every knob with its default, every choice
  -m, --multirun   run every combination of comma-separated values: stage=coarse,fine seed=0,1 image=a.jpg,b.jpg
  --cfg            print the resolved configuration and stop
  -v, --verbose    show the traceback of an error

examples:
  vistadream single-img image=photo.jpg
  vistadream single-img image="holiday (1).jpg" stage=coarse expansion=0.4
  vistadream single-img resume=outputs/photo/2026-01-31_10-00-00 stages.refine.steps=400
  vistadream single-img backends/depth=given backends.depth.path=depth.png backends.depth.unit_m=0.001
"""
FLAGS = {"-h": "help", "--help": "help", "-m": "multirun", "--multirun": "multirun", "--cfg": "cfg"} | {
    "-v": "verbose",
    "--verbose": "verbose",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0, 2 on bad input, 130 on Ctrl-C, 143 on SIGTERM."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] != ["single-img"]:
        asked = not words or words[0] in ("-h", "--help")
        sys.stdout.write(HELP) if asked else sys.stderr.write(
            f"vistadream: {words[0]!r} is no command; wanted single-img\n"
        )
        return 0 if asked else 2
    flags = {FLAGS[word] for word in words[1:] if word in FLAGS}
    return _guarded([word for word in words[1:] if word not in FLAGS], flags)


def _guarded(words: list[str], flags: set[str]) -> int:
    from vistadream.core import UserError

    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        _single_img(words, flags)
    except UserError as error:
        if "verbose" in flags:
            raise
        sys.stderr.write(f"vistadream: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("vistadream: stopped; go on with resume=RUN_FOLDER\n")
        return 130
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 0


def _terminate(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def _single_img(words: list[str], flags: set[str]) -> None:
    from vistadream.config import compose, expand, quote_paths, reference

    if "help" in flags:
        sys.stdout.write(HELP + "\n" + reference())
    elif "cfg" in flags:
        sys.stdout.write(compose(quote_paths(words)).yaml())
    elif "multirun" in flags:
        from vistadream.app import run

        for job, combination in enumerate(list(expand(quote_paths(words, many=True)))):
            run(combination, job)
    else:
        from vistadream.app import run

        run(words)
