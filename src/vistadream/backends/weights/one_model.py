"""What backends of one model share: which model, on which device, and how a piece of its work is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar

import torch

from vistadream.backends.needs import Needs
from vistadream.backends.weights.named_files import NamedFiles
from vistadream.backends.weights.policy import MemoryChoice, Policy
from vistadream.backends.weights.residence import Ladder, resident
from vistadream.backends.weights.table import MODELS, Model
from vistadream.core.knobs import check_ranges, check_words, require

T = TypeVar("T")
Device = Literal["auto", "cpu", "cuda", "mps"]
"""`auto` takes cuda where torch sees a GPU, else cpu; mps is Apple's GPU."""


def device_type(device: Device) -> str:
    """The device that is used: cuda, mps or cpu."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def check_device(backend: Any) -> None:
    """Raises ValueError for a knob `device` that names a device that torch does not see."""
    seen = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "auto": True, "cpu": True}
    here = seen.get(backend.device, False)
    require(backend, "device", here, "cpu or auto on this machine, where torch sees no such GPU")


class OneModel(NamedFiles):
    """Base of frozen dataclasses that have these knobs and `path`."""

    model: str
    device: Device
    memory: MemoryChoice

    NEEDS: ClassVar[Needs]
    """Its `models` say which model `model: auto` takes on each device."""

    def check_knobs(self, models: Sequence[str]) -> None:
        """Raises ValueError for a model that is not one of `models`, a device that is missing, or an unknown policy."""
        check_ranges(self)
        check_words(self, model=models)
        check_device(self)

    @cached_property
    def device_type(self) -> str:
        """The device that is used: cuda, mps or cpu."""
        return device_type(self.device)

    @property
    def entry(self) -> Model:
        """The model's entry in the table."""
        return MODELS[
            self.NEEDS.models_on("cuda" if self.device_type == "cuda" else "cpu")[0]
            if self.model == "auto"
            else self.model
        ]

    def run(self, work: Callable[[Policy], T]) -> T:
        """The result of `work` under the policy that fits the GPU; on a CPU under `high`."""
        return self._ladder(lambda budget: work(budget.policy)) if self.device_type == "cuda" else work(Policy.HIGH)

    def loaded(self, load: Callable[[], Any], policy: Policy) -> Any:
        """The model; `load()` is called unless it is resident."""
        return resident(self, load, getattr(self.entry.memory, policy))

    @cached_property
    def _ladder(self) -> Ladder:
        return Ladder(self.entry, self.memory)
