"""One photograph becomes an explorable scene of 3D Gaussians."""

from __future__ import annotations

import os
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

from vistadream.version import __version__

if TYPE_CHECKING:
    from vistadream.app import Run

# Read once, when torch is loaded: its idle threads must not spin on the cores that our kernels work on.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__all__ = ["__version__", "single_image"]


def single_image(
    image: str | PathLike[str] | None = None, *, stage: str = "fine", overrides: Sequence[str] = ()
) -> Run:
    """The main job, as `vistadream single-img image=... stage=...` runs it; `overrides` are words such as "seed=3".

    Returns the Scene, the run folder and the metrics. Raises `vistadream.core.UserError` on bad input. It may be called
    under any state of torch, Hydra and logging, which it leaves as it was; calls from several threads run one by one.
    """
    from vistadream.runs.surroundings import surroundings

    named = [] if image is None else [f"image={image}"]
    with surroundings():  # from here on, as modules make tensors when they are loaded
        from vistadream.app import run

        return run([*named, f"stage={stage}", *overrides])
