"""A captioner that repeats a given sentence."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vistadream.backends.needs import Needs


@dataclass(frozen=True)
class FixedCaption:
    """The same `text` for every picture."""

    NEEDS = Needs(remark="the same prompt for every picture")

    text: str

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> str:
        return self.text
