"""The knobs of merging and densifying, and when a fit does either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vistadream.core import Gaussians, Renderer, View
from vistadream.core.knobs import FROM_1, check_ranges
from vistadream.ops.fit.budget.densify import densify
from vistadream.ops.fit.budget.merge import merge_alike
from vistadream.ops.fit.loop import Adapt, Change

_WHEN = (0.25, 0.5)
"""The shares of the steps after which Gaussians can be added."""


@dataclass(frozen=True)
class Budget:
    """Merges similar neighbors before the fit, and adds Gaussians during the fit where views show errors."""

    merge_tolerance: float
    """The color error that a merge may cause in a picture (root mean square, colors from 0 to 1); 0 merges nothing."""
    densify_share: float
    """The largest share of all Gaussians that are duplicated or split at a time; 0 adds none."""
    min_views: int
    """The number of poses that must show an error."""
    min_error: float
    """The least color error of a wrong pixel, as the mean of RGB."""

    def __post_init__(self) -> None:
        check_ranges(self, merge_tolerance=(0, 1), densify_share=(0, 1), min_error=(0, 1), min_views=FROM_1)

    def merged(self, gaussians: Gaussians, views: Sequence[View], renderer: Renderer) -> Gaussians:
        """The Gaussians that the fit starts from."""
        return merge_alike(gaussians, views, renderer, self.merge_tolerance)

    def adapt(self, views: Sequence[View], renderer: Renderer, steps: int, seed: int) -> Adapt | None:
        """What `fit` adds, and when; None when nothing is ever added."""

        def added(step: int, gaussians: Gaussians) -> Change | None:
            return densify(
                gaussians,
                views,
                renderer,
                min_views=self.min_views,
                min_error=self.min_error,
                max_share=self.densify_share,
                seed=seed + step,
            )

        due = frozenset(round(share * steps) for share in _WHEN)
        return Adapt(due, added) if self.densify_share > 0 else None
