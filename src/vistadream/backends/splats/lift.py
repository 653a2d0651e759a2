"""The first Gaussians of a scene are the pixels of its depth map."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.core import View


@dataclass(frozen=True)
class Lift:
    """Predicts no Gaussians: the stage then makes the first ones from the pixels of the depth map."""

    def __call__(self, view: View, focal_px: float) -> None:
        """None, as `GaussianInitializer` has it for a map that is to be lifted."""
