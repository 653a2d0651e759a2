"""The loss of the refine stage: the colors of each View, and its priors of depth and normals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer, Rendering, View
from vistadream.core.knobs import FROM_0, FROM_1, check_ranges
from vistadream.ops.depth.align import Alignment
from vistadream.ops.evaluation.continuity import cycle_error_map
from vistadream.ops.fit.losses import cycle_error
from vistadream.ops.fit.surface_prior import SurfacePrior, Target, on_grid
from vistadream.ops.numerics.deterministic_sum import masked_mean

_MAPS = {"median": "z_median", "expected": "z"}


@dataclass(frozen=True)
class SurfaceTerms:
    """The terms of the loss for the rendered surface, and their weights; no term acts on the shape of a Gaussian."""

    depth: Literal["median", "expected", "none"]
    """The rendered depth that the terms read. median: where the transmittance of the pixel crosses one half, which is a
    continuous surface. expected: the mean depth of the blended Gaussians. none: there are no surface terms."""
    depth_weight: float
    """Weight of the disparity error relative to the mean disparity."""
    normal_weight: float
    """Weight of 1 - cosine between the normals of the rendered depth and those of the prior."""
    cycle_weight: float
    """Weight of the reprojection error through another View and back, in pixels of half the resolution."""
    every: int
    """Every k-th step that renders a full View also adds the surface terms, weighted by k."""
    align_every: int
    """Number of steps after which a prior is aligned to the scene again."""

    def __post_init__(self) -> None:
        check_ranges(self, depth_weight=FROM_0, normal_weight=FROM_0, cycle_weight=FROM_0)
        check_ranges(self, every=FROM_1, align_every=FROM_1)

    @property
    def map(self) -> str | None:
        """The name of the map of a Rendering that the terms read; None when no term has a weight."""
        wanted = max(self.depth_weight, self.normal_weight, self.cycle_weight) > 0
        return _MAPS.get(self.depth) if wanted else None


@dataclass(frozen=True)
class ShapeKeeping:
    """A Renderer whose depth maps give no gradient to scales; its colors do.

    A surface then matches a prior because Gaussians move, turn and change their opacity. Their scales could reduce the
    error too: the median depth is a little in front of the centers of thick Gaussians. That would make them thinner.
    """

    renderer: Renderer

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = ("rgb", "z", "alpha"),
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]:
        """As the renderer; depth maps are rendered separately, with detached scales."""
        depths = [name for name in want if name in _MAPS.values()]
        drawn = self.renderer(gaussians, cameras, want=[name for name in want if name not in depths], extra=extra)
        if not depths:
            return drawn
        detached = replace(gaussians, scales=gaussians.scales.detach())
        surfaces = self.renderer(detached, cameras, want=depths)
        return [replace(d, z=s.z, z_median=s.z_median) for d, s in zip(drawn, surfaces, strict=True)]


class SurfaceLoss:
    """A loss for `fit`: the photometric term and the surface terms. Its state are alignments (`rollback.Stateful`)."""

    def __init__(
        self,
        terms: SurfaceTerms,
        photometric: Callable[[View, Rendering], Tensor],
        views: Sequence[View],
        order: Sequence[int],
    ):
        """`order` has the index of the View of each step; an index beyond `views` is a view without surface terms."""
        self.terms, self._photometric = terms, photometric
        self.alignments: dict[str, Alignment] = {}
        """By the name of the View, for those aligned so far; an alignment with a reason supervises no depth."""
        self._priors = {view.name: SurfacePrior(view) for view in views} if terms.map else {}
        whole = [step for step, index in enumerate(order) if index < len(views)]
        self._surface_steps = frozenset(whole[:: terms.every] if terms.map else ())
        self._targets: dict[str, Target] = {}
        self._aligned_at: dict[str, int] = {}
        self._drawn: dict[str, Tensor] = {}

    def want(self, step: int) -> tuple[str, ...]:
        """The maps that are read at a step."""
        return ("rgb", self.terms.map) if self.terms.map and step in self._surface_steps else ("rgb",)

    def __call__(self, view: View, rendering: Rendering, step: int) -> Float[Tensor, ""]:
        """The photometric term; every k-th step with a full View adds the surface terms, weighted by k."""
        loss = self._photometric(view, rendering)
        if self.terms.map is None or step not in self._surface_steps:
            return loss
        return loss + self.terms.every * self._surface(view, rendering.require(self.terms.map), step)

    def _surface(self, view: View, z: Float[Tensor, "h w"], step: int) -> Float[Tensor, ""]:
        prior = self._priors[view.name]
        target = self._target(view.name, prior, z, step)
        total = z.new_zeros(())
        if self.terms.depth_weight > 0:
            total = total + self.terms.depth_weight * prior.depth_error(z, target)
        if self.terms.normal_weight > 0:
            total = total + self.terms.normal_weight * prior.normal_error(z, target)
        if self.terms.cycle_weight > 0:
            total = total + self.terms.cycle_weight * self._cycle(view.name, prior, on_grid(z), step)
        return total

    def _target(self, name: str, prior: SurfacePrior, z: Tensor, step: int) -> Target:
        """The target of the aligned prior. It is aligned again at its first step after a multiple of `align_every`."""
        if name not in self._aligned_at or step // self.terms.align_every > self._aligned_at[name]:
            self.alignments[name] = prior.align(z)
            self._aligned_at[name] = step // self.terms.align_every
            self._targets.pop(name, None)
        if name not in self._targets:
            self._targets[name] = prior.target(self.alignments[name])
        return self._targets[name]

    def _cycle(self, name: str, prior: SurfacePrior, z: Tensor, step: int) -> Tensor:
        """The error between this View and the last rendering of another View; the others take turns."""
        others = sorted(set(self._drawn) - {name})
        self._drawn[name] = z.detach()
        if not others:
            return z.new_zeros(())
        other = others[step // self.terms.every % len(others)]
        errors, seen = cycle_error_map(prior.grid, z, self._priors[other].grid, self._drawn[other])
        return masked_mean(cycle_error(errors), seen, otherwise=0.0)

    def state(self) -> dict[str, Tensor]:
        """Everything that a resumed fit needs to get the same loss."""
        known = {name: [asdict(a), self._aligned_at[name]] for name, a in self.alignments.items()}
        text = torch.frombuffer(bytearray(json.dumps(known).encode()), dtype=torch.uint8)
        return {"alignments": text} | {f"drawn.{name}": z for name, z in self._drawn.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Continues from a state that `state` returned."""
        known = json.loads(bytes(state["alignments"].tolist()))
        self.alignments = {name: Alignment(**values) for name, (values, _) in known.items()}
        self._aligned_at = {name: at for name, (_, at) in known.items()}
        self._drawn = {name.removeprefix("drawn."): z for name, z in state.items() if name.startswith("drawn.")}
        self._targets.clear()
