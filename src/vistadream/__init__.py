"""One photograph, or several of one place, become an explorable scene of 3D Gaussians."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from vistadream.version import __version__

if TYPE_CHECKING:
    from vistadream.core import (
        Captioner,
        DepthEstimator,
        GaussianInitializer,
        MultiViewDepth,
        Observer,
        Outpainter,
        PoseEstimator,
        Renderer,
        TextToImage,
    )
    from vistadream.session import Job, Run

# Read once, when torch is loaded: its idle threads must not spin on the cores that our kernels work on.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__all__ = ["__version__", "job", "multi_image", "run", "single_image"]


def job(
    image: str | PathLike[str] | None = None,
    *,
    prompt: str | None = None,
    input: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    stage: str | None = None,
    out: str | PathLike[str] | None = None,
    resume: str | PathLike[str] | None = None,
    knobs: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    depth: DepthEstimator | None = None,
    outpaint: Outpainter | None = None,
    render: Renderer | None = None,
    caption: Captioner | None = None,
    text_to_image: TextToImage | None = None,
    poses: PoseEstimator | None = None,
    multi_depth: MultiViewDepth | None = None,
    splats: GaussianInitializer | None = None,
) -> Job:
    """The job that `vistadream single-img` or, with `input`, `vistadream multi-img` runs, from plain values.

    Nothing is written before `run`.

    Args:
        image: A picture file. None, and no prompt: the sample that comes with VistaDream.
        prompt: Words from which the picture is made, instead of an image.
        input: Several photos: a list of files, a folder, a pattern such as "photos/*.jpg", a video, or a dataset with
            poses.
        stage: How far to go: no-outpaint, outpaint, coarse, fine, and for several photos also register. None: fine, or
            as before when a run is resumed.
        out: The folder in which run folders are made. None: outputs.
        resume: A run folder to finish, or to run again with changed knobs.
        knobs: Values by name, such as {"seed": 3, "stages.refine.steps": 10}; `vistadream single-img --help` lists all.
        overrides: Further knobs as words of the command line, such as "seed=3".
        depth: An object of yours in the place of the configured depth model, with the call of
            `vistadream.core.DepthEstimator`. The class of an object and what `repr` says of it stand in run.json and
            decide whether a finished stage is valid, so that a dataclass serves best.
        outpaint: The same for the outpainter, with the call of `vistadream.core.Outpainter`.
        render: The same for the renderer, with the call of `vistadream.core.Renderer`.
        caption: The same for the captioner, with the call of `vistadream.core.Captioner`.
        poses: The same for what registers several photos, with the call of `vistadream.core.PoseEstimator`.
        multi_depth: The same for the depth of several photos, with the call of `vistadream.core.MultiViewDepth`.
        text_to_image: The same for what makes a picture from words, with the call of `vistadream.core.TextToImage`.
        splats: The same for what predicts the first Gaussians of one photo, with the call of
            `vistadream.core.GaussianInitializer`.

    Raises:
        vistadream.core.UserError: On bad input.
    """
    from vistadream.runs.surroundings import surroundings

    objects = {
        "depth": depth,
        "outpaint": outpaint,
        "render": render,
        "caption": caption,
        "text_to_image": text_to_image,
        "poses": poses,
        "multi_depth": multi_depth,
        "splats": splats,
    }
    given = {role: each for role, each in objects.items() if each is not None}
    named = {"image": image, "prompt": prompt, "input": input, "stage": stage, "out": out, "resume": resume}
    values = {name: value for name, value in named.items() if value is not None} | dict(knobs or {})
    with surroundings():  # from here on, as modules make tensors when they are loaded
        from vistadream.app import job_from_values

        return job_from_values(values, overrides, given, _kind(input, resume))


def _kind(input: object, resume: str | PathLike[str] | None) -> str:
    """The kind of job: that of the run which is resumed, else multi_img where there is an `input`."""
    from vistadream.app import job_of_run

    return "multi_img" if input is not None else job_of_run(resume) if resume is not None else "single_img"


def run(job: Job, observers: Sequence[Observer] = (), cancelled: Callable[[], bool] = lambda: False) -> Run:
    """Runs a job; returns the Scene, the run folder and the metrics.

    `observers` receive every observation: `observe(name, value, step=None)`. `cancelled` is called at each of them and
    must return at once; when it returns True, `vistadream.core.Cancelled` is raised, whose `folder` can be resumed:
    `run(job(resume=folder))` goes on to the same result. Raises `vistadream.core.UserError` on bad input.

    It may be called under any state of torch, Hydra and logging, which it leaves as it was; calls from several threads
    run one after another.
    """
    from vistadream.runs.surroundings import surroundings

    with surroundings():
        from vistadream import session

        return session.run(job, observers, cancelled)


def single_image(
    image: str | PathLike[str] | None = None, *, stage: str = "fine", overrides: Sequence[str] = ()
) -> Run:
    """`job` and `run` in one call; `overrides` are words such as "seed=3"."""
    from vistadream.runs.surroundings import surroundings

    with surroundings():
        return run(job(image, stage=stage, overrides=overrides))


def multi_image(
    input: str | PathLike[str] | Sequence[str | PathLike[str]], *, stage: str = "fine", overrides: Sequence[str] = ()
) -> Run:
    """As `single_image`, for several photos; `input` is as for `job`."""
    from vistadream.runs.surroundings import surroundings

    with surroundings():
        return run(job(input=input, stage=stage, overrides=overrides))
