"""`max_resolution=auto`: the largest working size for which this machine has the time and the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vistadream.backends.auto import Choice
from vistadream.backends.machine import this_machine
from vistadream.backends.main_memory import free_bytes
from vistadream.config.backends import choose
from vistadream.config.words import name_of

SIZES_PX = (1024, 768, 512)
"""Long sides of the working picture; the last one needs no reason."""
PATIENCE_S = 120
"""The longest that `stage=fine` of one photo may take, roughly, if a larger size is to be taken."""
_FIXED_S, _SERIAL_S, _SHARED_S = 8.0, 26.0, 62.0
"""Seconds of `stage=fine` at 512 px on one core: what no size changes, what uses one core, and what uses all.

They are estimates from processor seconds and from one run on two idle cores (docs/benchmarks/explore.md)."""
_BASE_BYTES, _SIZE_BYTES = 0.35e9, 0.61e9
"""Peak memory of office.jpg at `stage=fine`: what any size takes, and what 512 px takes on top of it."""
_MEMORY_SHARE = 0.5
"""The share of the free memory that a run may take."""


@dataclass(frozen=True)
class Machine:
    """What decides the size."""

    cores: int
    free_bytes: int
    gpu: bool
    """The renderer draws on a GPU, on which fits take seconds."""

    def seconds(self, size_px: int) -> float:
        """An estimate for `stage=fine` of one photo: work grows with the number of pixels."""
        return _FIXED_S + (_SERIAL_S + (0.0 if self.gpu else _SHARED_S / self.cores)) * (size_px / 512) ** 2

    def holds(self, size_px: int) -> bool:
        return _BASE_BYTES + _SIZE_BYTES * (size_px / 512) ** 2 <= _MEMORY_SHARE * self.free_bytes


def largest_size(machine: Machine) -> Choice:
    """The largest of SIZES_PX for which the machine has time and memory, with the reason."""
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    gpu = "a GPU" if machine.gpu else "no GPU"
    here = f"{cores}, {machine.free_bytes / 1e9:.0f} GB of free memory, {gpu}"
    limit = ""
    for size in SIZES_PX:
        if not machine.holds(size):
            limit = f"; {size} would take more than half of the memory"
        elif machine.seconds(size) > PATIENCE_S:
            limit = f"; {size} would take about {machine.seconds(size):.0f} s, which is over {PATIENCE_S} s"
        else:
            return Choice(str(size), f"auto: {here}{limit}")
    return Choice(str(SIZES_PX[-1]), f"auto: {here}; no smaller size is chosen by itself")


def with_resolution(words: Sequence[str]) -> tuple[list[str], Choice | None]:
    """The words with `max_resolution=auto` replaced by a number, and which and why; None where it was not asked for."""
    asked = {name_of(word): word.partition("=")[2] for word in words}
    if asked.get("max_resolution") != "auto":
        return list(words), None
    found = largest_size(_this_machine(asked))
    kept = [word for word in words if name_of(word) != "max_resolution"]
    return [*kept, f"max_resolution={found.name}"], found


def _this_machine(asked: dict[str, str]) -> Machine:
    import torch

    render = asked.get("backends/render", "auto")
    machine = this_machine()
    gpu = machine.cuda and asked.get("device") != "cpu"
    render = choose("render", machine).name if render == "auto" and gpu else render
    return Machine(torch.get_num_threads(), free_bytes(), gpu and render == "gsplat")
