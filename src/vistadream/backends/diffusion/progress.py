"""Denoising steps: reported to the observer of the run, and timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from vistadream.core import Progress, tell


def report_steps(name: str, total: int) -> Callable[..., dict[str, Any]]:
    """A pipeline's `callback_on_step_end` that sends NAME/progress after each of `total` steps."""

    def after_step(pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tell(f"{name}/progress", Progress(step + 1, total))
        return tensors

    return after_step


def seconds_of_step(run: Callable[[int, Callable[..., dict[str, Any]]], Any]) -> float:
    """Seconds of the second of two steps; `run(steps, callback)` runs a pipeline with this callback after each step."""
    ends: list[float] = []

    def after_step(pipeline: Any, step: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        ends.append(time.perf_counter())
        return tensors

    run(2, after_step)
    return ends[1] - ends[0]
