"""A captioner that repeats a given sentence."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vistadream.backends.needs import Needs


@dataclass(frozen=True)
class FixedCaption:
    """Says `text` of every picture."""

    NEEDS = Needs(remark="says the same of every picture")

    text: str

    def __call__(self, rgb: Float[Tensor, "h w 3"]) -> str:
        return self.text
