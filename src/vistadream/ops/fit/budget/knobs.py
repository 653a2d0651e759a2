"""When a fit merges and when it densifies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vistadream.core import Gaussians, Renderer, View
from vistadream.core.knobs import FROM_1, check_ranges
from vistadream.ops.fit.budget.densify import densify
from vistadream.ops.fit.budget.merge import merge_alike
from vistadream.ops.fit.loop import Adapt, Change

_WHEN = (0.25, 0.5)
"""Shares of the steps after which Gaussians may be added."""


@dataclass(frozen=True)
class Budget:
    """Neighbors that look alike are merged before the fit, Gaussians added on the way where views find errors."""

    merge_tolerance: float
    """Color that pictures may lose where neighbors merge (root mean square, of 1); 0: none merge."""
    densify_share: float
    """Of all Gaussians, those that may be doubled or split at a time; 0: none."""
    min_views: int
    """Poses that must find an error."""
    min_error: float
    """Of a pixel's color, mean of RGB, to count as one."""

    def __post_init__(self) -> None:
        check_ranges(self, merge_tolerance=(0, 1), densify_share=(0, 1), min_error=(0, 1), min_views=FROM_1)

    def merged(self, gaussians: Gaussians, views: Sequence[View], renderer: Renderer) -> Gaussians:
        """What the fit starts from."""
        return merge_alike(gaussians, views, renderer, self.merge_tolerance)

    def adapt(self, views: Sequence[View], renderer: Renderer, steps: int, seed: int) -> Adapt | None:
        """What the fit asks after every step; None where it need not ask."""
        due = {round(share * steps) for share in _WHEN}

        def grown(step: int, gaussians: Gaussians) -> Change | None:
            if step not in due:
                return None
            return densify(
                gaussians,
                views,
                renderer,
                min_views=self.min_views,
                min_error=self.min_error,
                max_share=self.densify_share,
                seed=seed + step,
            )

        return grown if self.densify_share > 0 else None
