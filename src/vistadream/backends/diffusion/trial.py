"""Which of several plans is fastest on this computer: tried once, and remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version

import torch

from vistadream.backends.diffusion.plan import Plan, Sizes, plans
from vistadream.backends.weights.policy import Budget
from vistadream.backends.weights.residence import is_full, resident
from vistadream.core import Note, tell
from vistadream.formats.files import cache_home, new_file

_PREFERRED = 1.05
"""How much slower than the fastest plan the weights as published may be, to be preferred to those in fp8."""


class Chooser:
    """The plan of one model for each budget and size of picture."""

    def __init__(self, model: str, read_sizes: Callable[[], Sizes]):
        self._model = model
        self._read_sizes = cache(read_sizes)
        self._chosen: dict[tuple[Budget, int], Plan] = {}

    def __call__(self, budget: Budget, pixels: int, seconds: Callable[[Plan], float] | None = None) -> Plan:
        """The fastest plan, as `seconds(plan)` measures a step; without it the one chosen before, or expected best."""
        key = budget, pixels
        if key not in self._chosen:
            possible = plans(self._read_sizes, budget, pixels)
            if seconds is None:
                return possible[0]
            self._chosen[key] = fastest(self._model, possible, pixels, seconds)
        return self._chosen[key]


def fastest(model: str, possible: Sequence[Plan], pixels: int, seconds: Callable[[Plan], float]) -> Plan:
    """The plan whose step takes least time, as `seconds(plan)` measures it; the first one of a single plan untried.

    The choice is kept in the user's cache, by device, model, plans, size of the picture, and versions. A plan for which
    the GPU is too small is not chosen; RuntimeError if that is so for all.
    """
    if len(possible) == 1:
        return possible[0]
    facts = [_device(), model, pixels, [str(plan) for plan in possible], torch.__version__, version("diffusers")]
    remembered = cache_home() / "placements" / hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    with suppress(OSError, UnicodeDecodeError, StopIteration):
        known = remembered.read_text(encoding="utf-8")
        return next(plan for plan in possible if str(plan) == known)
    # The one that is expected to be fastest comes last, so that it is loaded afterwards.
    measured = {plan: _measured(plan, seconds) for plan in reversed(possible)}
    best = _best(measured)
    if best is not possible[0]:
        resident.release()
    with suppress(OSError), new_file(remembered) as draft:
        draft.write_text(str(best), encoding="utf-8")
    said = "; ".join(f"{plan}: {taken:.2f} s a step" for plan, taken in measured.items())
    tell(f"memory/{model}", Note(f"{model}: tried {said}; the choice is kept in {remembered.parent}"))
    return best


def _best(measured: dict[Plan, float]) -> Plan:
    limit = _PREFERRED * min(measured.values())
    if limit == float("inf"):
        raise torch.OutOfMemoryError("out of memory under every plan")
    return min(
        (plan for plan, taken in measured.items() if taken <= limit), key=lambda plan: (plan.fp8, measured[plan])
    )


def _measured(plan: Plan, seconds: Callable[[Plan], float]) -> float:
    """Seconds of a step, with nothing else on the GPU; infinite if the GPU is too small."""
    resident.release()
    try:
        return seconds(plan)
    except RuntimeError as error:
        if not is_full(error):
            raise
    return float("inf")


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
