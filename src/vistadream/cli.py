"""The command `vistadream`: hands its words over to what they ask for, and turns errors into exit codes."""

from __future__ import annotations

import gc
import io
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence

HELP = """\
usage: vistadream single-img [image=PATH] [stage=no-outpaint|outpaint|coarse|fine] [KNOB=VALUE ...] [flags]
       vistadream models [--json]                 every model that can be used, its licence, size and folder
       vistadream download MODEL|PROFILE ...      fetch models; --help says more

Turns one photograph into a scene of 3D Gaussians and leaves a PLY, a video and a report in a run folder.
Without image= it uses a sample scene of its own. +image=PATH is the same as image=PATH.
With prompt="a sunlit library" instead of image= the picture is made from words (vistadream download flux2-klein-4b).

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
FLAGS = {"-h": "help", "--help": "help", "-m": "multirun", "--multirun": "multirun", "--cfg": "cfg"}
VERBOSE = {"-v", "--verbose"}
ASK_AGAIN_S = 3.0
"""Longer than a run takes to close its files when it is terminated."""
BEGUN_S = time.perf_counter()
"""When the command began, for the seconds that a run reports."""
GARBAGE_AFTER = 10_000
"""New objects from one search for garbage to the next. By Python's 700 the imports alone cause hundreds, among objects
that stay: over a second of a run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0, 2 on bad input, 3 on a failed download, 130 on Ctrl-C, 143 on SIGTERM."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by 2>&-: else the next file to be opened would take its place
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # odd names are shown all the same
    command, *words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    if command not in COMMANDS:
        sys.stderr.write(f"vistadream: {command!r} is no command; wanted {', '.join(COMMANDS)}\n")
        return 2
    return _guarded(command, words)


def _guarded(command: str, words: list[str]) -> int:
    from vistadream.core import UserError

    previous = signal.signal(signal.SIGTERM, _terminate)
    act, going_on = COMMANDS[command]
    try:
        act([word for word in words if word not in VERBOSE])
    except UserError as error:
        if VERBOSE & set(words):
            raise
        sys.stderr.write(f"vistadream: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"vistadream: stopped; {going_on}\n")
        return 130
    finally:
        signal.signal(signal.SIGTERM, previous)
        _ask_again(0)
    return 0


def _terminate(*_: object) -> None:
    """Ends the command. Code of others may swallow what a signal handler raises, so it asks again until that ends."""
    _ask_again(ASK_AGAIN_S)
    raise SystemExit(128 + signal.SIGTERM)


def _ask_again(seconds: float) -> None:
    """Has `_terminate` called once more after so long; 0 calls it off. Windows, which has no such timer, asks once."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _terminate if seconds else signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _single_img(words: list[str]) -> None:
    gc.set_threshold(GARBAGE_AFTER)
    from vistadream.config import compose, expand, quote_paths, reference

    flags = {FLAGS[word] for word in words if word in FLAGS}
    words = [word for word in words if word not in FLAGS]
    if "help" in flags:
        sys.stdout.write(HELP + "\n" + reference())
    elif "cfg" in flags:
        sys.stdout.write(compose(quote_paths(words)).yaml())
    elif "multirun" in flags:
        _run_each(list(expand(quote_paths(words, many=True))))
    else:
        from vistadream.app import run

        run(words, begun_s=BEGUN_S)


def _run_each(combinations: Sequence[list[str]]) -> None:
    """One run after another; bad input ends one, not the others. In the end UserError names those that failed."""
    from vistadream.app import run
    from vistadream.core import UserError

    failed = []
    for job, combination in enumerate(combinations):
        try:
            run(combination, job)
        except UserError as error:
            sys.stderr.write(f"vistadream: {error}\n")
            failed.append(shlex.join(combination))
    if failed:
        raise UserError(f"{len(failed)} of {len(combinations)} runs failed, as said above: {'; '.join(failed)}")


def _models(words: list[str]) -> None:
    from vistadream.weights_commands import models

    models(words)


def _download(words: list[str]) -> None:
    from vistadream.weights_commands import download

    download(words)


COMMANDS: dict[str, tuple[Callable[[list[str]], None], str]] = {
    "single-img": (_single_img, "go on with resume=RUN_FOLDER"),
    "models": (_models, "nothing was lost"),
    "download": (_download, "the same command goes on"),
}
"""What each does, and what to do when it was stopped."""
