"""How Gaussians are fitted to Views; for how many steps, and to which View at each, the caller decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vistadream.core import Gaussians, Observer, Renderer, Rendering, View
from vistadream.core.knobs import FROM_0, SHARE, check_ranges
from vistadream.ops.fit.adam import LearningRates
from vistadream.ops.fit.loop import fit
from vistadream.ops.fit.losses import photometric
from vistadream.ops.fit.spread import SPREAD, WithSpread, spread_error
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops

SPREAD_EVERY = 4
"""Every fourth step has the loss of double surfaces, with four times its weight, as it costs as much as the colors."""


@dataclass(frozen=True)
class Fitting:
    """Learning rates, photometric loss and zoomed crops of a fit."""

    rates: LearningRates
    zoomed_share: float
    """Share of the steps that show a quarter of a View at twice its size, so that enlarged scenes stay closed."""
    dssim: float
    """Share of D-SSIM in the photometric loss; the rest is L1."""
    generated_weight: float
    """Weight of a generated pixel; a photographed one has 1."""
    spread_weight: float
    """Weight of how far apart in depth the Gaussians are that a ray meets, of several photos against double walls."""

    def __post_init__(self) -> None:
        check_ranges(self, zoomed_share=SHARE, dssim=SHARE, generated_weight=FROM_0, spread_weight=FROM_0)

    def watched(self, renderer: Renderer) -> Renderer:
        """The renderer that also knows the maps of `want` besides the colors."""
        return WithSpread(renderer) if self.spread_weight > 0 else renderer

    def want(self, step: int) -> tuple[str, ...]:
        """The maps that `loss` reads at a step."""
        return ("rgb", SPREAD) if self.spread_weight > 0 and step % SPREAD_EVERY == 0 else ("rgb",)

    def loss(self, view: View, rendering: Rendering) -> Float[Tensor, ""]:
        """The photometric loss of one View as it is rendered by `watched`, and the loss of double surfaces if drawn."""
        loss = photometric(view, rendering, self.dssim, self.generated_weight)
        return loss if rendering.extra is None else loss + SPREAD_EVERY * self.spread_weight * spread_error(rendering)

    def __call__(
        self,
        gaussians: Gaussians,
        views: Sequence[View],
        renderer: Renderer,
        turns: Sequence[int],
        *,
        observe: Observer,
        name: str,
    ) -> Gaussians:
        """The Gaussians fitted with that loss alone; `turns` has the index of a View for each step."""
        crops = WithZoomedCrops(views)
        return fit(
            gaussians,
            crops,
            self.watched(renderer),
            lambda view, rendering, step: self.loss(view, rendering),
            self.rates,
            order=crops.order(turns, self.zoomed_share),
            want=self.want,
            observe=observe,
            name=name,
        )
