"""The shape of Gaussians, and the check that a fit did not make them flat."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vistadream.core import Gaussians

MAX_SHRINKAGE = 0.05
"""The largest relative loss of the ratio of smallest to largest scale that a refinement may cause."""


def scale_ratios(gaussians: Gaussians) -> Float[Tensor, "n"]:
    """Smallest over largest scale of each Gaussian: 1 for a ball, 0 for a disc or a needle."""
    return gaussians.scales.amin(-1) / gaussians.scales.amax(-1)


@dataclass(frozen=True)
class Shape:
    """The distribution of `scale_ratios`."""

    median: float
    p5: float
    """5th percentile, which describes the flattest Gaussians."""

    @staticmethod
    def of(gaussians: Gaussians) -> Shape:
        """The distribution of these Gaussians; ValueError when there are none."""
        if not len(gaussians):
            raise ValueError("Shape.of: got no Gaussians; wanted some")
        ordered = scale_ratios(gaussians).sort().values
        p5, median = (float(ordered[round(q * (len(ordered) - 1))]) for q in (0.05, 0.5))
        return Shape(median, p5)

    def summary(self) -> str:
        """One phrase for people."""
        return f"{self.median:.3f} (median), {self.p5:.3f} (5 %)"

    def shrinkage(self, after: Shape) -> float:
        """The larger relative loss of the two figures; negative when both grew."""
        return max(1 - after.median / self.median, 1 - after.p5 / self.p5)
