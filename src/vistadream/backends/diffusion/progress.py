"""Denoising steps, reported to the observer of the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vistadream.core import Progress, tell


def report_steps(name: str, total: int) -> Callable[..., dict[str, Any]]:
    """A pipeline's `callback_on_step_end` that sends NAME/progress after each of `total` steps."""

    def after_step(pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tell(f"{name}/progress", Progress(step + 1, total))
        return tensors

    return after_step
