"""The command `vistadream`: hands its words over to what they ask for."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from vistadream.commands.guard import Act, guarded, open_streams

HELP = """\
usage: vistadream single-img [image=PATH] [stage=PLAN] [KNOB=VALUE ...] [flags]
       vistadream multi-img input=PATH [stage=PLAN] [KNOB=VALUE ...] [flags]
       vistadream auto input=PATH [KNOB=VALUE ...]    says what PATH is, and runs one of the two
       vistadream batch images=DIR out=OUT [KNOB=VALUE ...]    many pictures, each a scene; --help says more
       vistadream refine --dataset-dir DIR ...    fit Gaussians to posed views; --help says more
       vistadream remote single-img image=PATH    the same job by a service; --help says more
       vistadream app [KNOB=VALUE ...]            the page in a browser; --help says more
       vistadream serve [KNOB=VALUE ...]          jobs over HTTP; --help says more
       vistadream keys add|list|revoke            who may use a service; --help says more
       vistadream worker [data=DIR]               carries out the jobs of a service; --help says more
       vistadream tune [--json]                   measures how many workers of a service suit this machine
       vistadream models [--json]                 every model that can be used, its license, size and folder
       vistadream download MODEL|PROFILE ...      fetch models; --help says more

Turns one photograph, several photographs or a video into a scene of 3D Gaussians and leaves a PLY, a video and a report
in a run folder.
Without image= it uses a sample scene of its own. +image=PATH is the same as image=PATH.
With prompt="a sunlit library" instead of image= the picture is made from words (vistadream download flux2-klein-4b).
input= is a folder of pictures, a pattern, a list [a.jpg,b.jpg], a video, or a dataset with poses (COLMAP, nerfstudio).

flags:
  -h, --help       this text, every knob with its default, every choice
  -m, --multirun   run every combination of comma-separated values: stage=coarse,fine seed=0,1 image=a.jpg,b.jpg
  --cfg            print the resolved configuration and stop
  -v, --verbose    show the traceback of an error

examples:
  vistadream single-img image=photo.jpg
  vistadream single-img image="holiday (1).jpg" stage=coarse expansion=0.4
  vistadream multi-img input=photos/
  vistadream auto input=photos/
  vistadream multi-img input=walk.mp4 max_views=40
  vistadream single-img resume=outputs/photo/2026-01-31_10-00-00 stages.refine.steps=400
  vistadream single-img backends/depth=given backends.depth.path=depth.png backends.depth.unit_m=0.001
"""
FLAGS = {"-h": "help", "--help": "help", "-m": "multirun", "--multirun": "multirun", "--cfg": "cfg"}
VERBOSE = {"-v", "--verbose"}
BEGUN_S = time.perf_counter()
"""When the command began, for the seconds that a run reports."""
GARBAGE_AFTER = 10_000
"""New objects from one search for garbage to the next. By Python's 700 the imports alone cause hundreds, among objects
that stay: over a second of a run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns 0, 2 on bad input, 3 on a failed download, 130 on Ctrl-C, 129 and 143 on SIGHUP and
    SIGTERM."""
    open_streams()
    command, *words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    if command not in COMMANDS:
        sys.stderr.write(f"vistadream: {command!r} is no command; wanted {', '.join(COMMANDS)}\n")
        return 2
    load, going_on = COMMANDS[command]
    kept = [word for word in words if word not in VERBOSE]
    return guarded("vistadream", partial(load, kept), going_on, verbose=bool(VERBOSE & set(words)))


def _scene(job: str, words: list[str]) -> Act:
    gc.set_threshold(GARBAGE_AFTER)
    from vistadream.config import compose, expand, plans, quote_paths, reference

    flags = {FLAGS[word] for word in words if word in FLAGS}
    words = [word for word in words if word not in FLAGS]
    if "help" in flags:
        return lambda: sys.stdout.write(HELP.replace("PLAN", "|".join(plans(job))) + "\n" + reference(job))
    if "cfg" in flags:
        return lambda: sys.stdout.write(compose(quote_paths(words), job=job).yaml())
    from vistadream.app import run
    from vistadream.commands.multirun import sweep

    if "multirun" in flags:
        return lambda: sweep(list(expand(quote_paths(words, many=True))), job)
    return partial(run, words, job, begun_s=BEGUN_S)


def _auto(words: list[str]) -> Act:
    if {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(HELP)
    from vistadream.commands.auto import choose_job

    job, words = choose_job(words)
    return _scene(job, words)


def _batch(words: list[str]) -> Act:
    gc.set_threshold(GARBAGE_AFTER)
    from vistadream.commands.batch import act

    return act(words)


def _refine(words: list[str]) -> Act:
    from vistadream.commands.refine import act

    return act(words)


def _remote(words: list[str]) -> Act:
    from vistadream.commands.remote import act

    return act(words)


def _app(words: list[str]) -> Act:
    gc.set_threshold(GARBAGE_AFTER)
    from vistadream.commands.app import act

    return act(words)


def _serve(words: list[str]) -> Act:
    gc.set_threshold(GARBAGE_AFTER)
    from vistadream.commands.serve import act

    return act(words)


def _keys(words: list[str]) -> Act:
    from vistadream.commands.keys import act

    return act(words)


def _worker(words: list[str]) -> Act:
    gc.set_threshold(GARBAGE_AFTER)
    from vistadream.commands.worker import act

    return act(words)


def _tune(words: list[str]) -> Act:
    from vistadream.commands.tune import act

    return act(words)


def _models(words: list[str]) -> Act:
    from vistadream.commands.models import models

    return partial(models, words)


def _download(words: list[str]) -> Act:
    from vistadream.commands.models import download

    return partial(download, words)


COMMANDS: dict[str, tuple[Callable[[list[str]], Act], str]] = {
    "single-img": (partial(_scene, "single_img"), "nothing was written"),
    "multi-img": (partial(_scene, "multi_img"), "nothing was written"),
    "auto": (_auto, "nothing was written"),
    "batch": (_batch, "the same command goes on with what is left"),
    "refine": (_refine, "the same command goes on from the checkpoint, if there is one"),
    "remote": (_remote, "the job goes on in the service"),
    "app": (_app, "jobs that ran go on at the next start"),
    "serve": (_serve, "jobs that ran go on at the next start"),
    "keys": (_keys, "nothing was changed, or all of it"),
    "worker": (_worker, "its job goes on with another worker"),
    "tune": (_tune, "nothing was kept"),
    "models": (_models, "nothing was lost"),
    "download": (_download, "the same command goes on"),
}
"""What imports each and returns what it does, and what to do when it was stopped."""
