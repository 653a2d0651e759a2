"""What refining matches: each View's colors, and drawn depth and normals beside its priors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.core import Camera, Gaussians, Renderer, Rendering, View
from vistadream.core.knobs import FROM_0, FROM_1, check_ranges
from vistadream.ops.depth.align import Alignment
from vistadream.ops.evaluation.continuity import cycle_error_px
from vistadream.ops.fit.losses import cycle_error
from vistadream.ops.fit.surface_prior import SurfacePrior, Target, on_grid
from vistadream.ops.numerics.deterministic_sum import mean

_MAPS = {"median": "z_median", "expected": "z"}
_KINDS = (*_MAPS, "none")


@dataclass(frozen=True)
class SurfaceTerms:
    """What the drawn surface should match, and how much; none of it pulls at the shape of a Gaussian."""

    depth: str
    """Of a pixel: median, where its transmittance crosses one half, a continuous surface; expected, the mean over what
    is blended; none, no surface terms."""
    depth_weight: float
    """Of the disparity error relative to the mean disparity."""
    normal_weight: float
    """Of 1 - cosine between normals of the drawn depth and the prior's."""
    cycle_weight: float
    """Of the reprojection error there and back to another View, in pixels of half the resolution."""
    every: int
    """Of the steps that show a whole View, each so many-th looks at its surface too, and counts so many times."""
    align_every: int
    """Steps after which a prior is aligned to the scene anew."""

    def __post_init__(self) -> None:
        if self.depth not in _KINDS:
            raise ValueError(f"SurfaceTerms.depth: got {self.depth!r}; wanted one of {_KINDS}")
        check_ranges(self, depth_weight=FROM_0, normal_weight=FROM_0, cycle_weight=FROM_0)
        check_ranges(self, every=FROM_1, align_every=FROM_1)

    @property
    def map(self) -> str | None:
        """The map that the terms read, by its name in a Rendering."""
        wanted = max(self.depth_weight, self.normal_weight, self.cycle_weight) > 0
        return _MAPS.get(self.depth) if wanted else None


@dataclass(frozen=True)
class ShapeKeeping:
    """A Renderer whose depth gives no gradient to scales where it is drawn beside colors, which do.

    So a surface is met by moving, turning and fading Gaussians. By their scales alone the median could come nearer to
    a prior too, since it lies a little before the centers of thick Gaussians: that would be a pull towards thin ones.
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
        """As the renderer; depth is drawn on its own."""
        depths = [name for name in want if name in _MAPS.values()]
        drawn = self.renderer(gaussians, cameras, want=[name for name in want if name not in depths], extra=extra)
        if not depths:
            return drawn
        held = replace(gaussians, scales=gaussians.scales.detach())
        surfaces = self.renderer(held, cameras, want=depths)
        return [replace(d, z=s.z, z_median=s.z_median) for d, s in zip(drawn, surfaces, strict=True)]


class SurfaceLoss:
    """A loss of `ops.fit`: photometry, and the terms over surfaces. It remembers alignments (`rollback.Stateful`)."""

    def __init__(
        self,
        terms: SurfaceTerms,
        photometric: Callable[[View, Rendering], Tensor],
        views: Sequence[View],
        order: Sequence[int],
    ):
        """`order`: the View of each step; one that is not among `views` has no surface to match."""
        self.terms, self._photometric = terms, photometric
        self.alignments: dict[str, Alignment] = {}
        """Of the Views that were looked at so far; one with a reason supervises no depth."""
        self._priors = {view.name: SurfacePrior(view) for view in views} if terms.map else {}
        whole = [step for step, index in enumerate(order) if index < len(views)]
        self._looks = frozenset(whole[:: terms.every] if terms.map else ())
        self._targets: dict[str, Target] = {}
        self._aligned_at: dict[str, int] = {}
        self._drawn: dict[str, Tensor] = {}

    def want(self, step: int) -> tuple[str, ...]:
        """The maps that are read at a step."""
        return ("rgb", self.terms.map) if self.terms.map and step in self._looks else ("rgb",)

    def __call__(self, view: View, rendering: Rendering, step: int) -> Float[Tensor, ""]:
        """Photometry, and at every so many-th whole View the surface's terms, that many times."""
        loss = self._photometric(view, rendering)
        return loss + self.terms.every * self._surface(view, rendering, step) if step in self._looks else loss

    def _surface(self, view: View, rendering: Rendering, step: int) -> Float[Tensor, ""]:
        prior, z = self._priors[view.name], getattr(rendering, self.terms.map)
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
        """Of the prior as it is aligned; anew at the first look after each multiple of `align_every`."""
        if name not in self._aligned_at or step // self.terms.align_every > self._aligned_at[name]:
            self.alignments[name] = prior.align(z)
            self._aligned_at[name] = step // self.terms.align_every
            self._targets.pop(name, None)
        if name not in self._targets:
            self._targets[name] = prior.target(self.alignments[name])
        return self._targets[name]

    def _cycle(self, name: str, prior: SurfacePrior, z: Tensor, step: int) -> Tensor:
        """Against another View as it was drawn last; the others take turns."""
        others = sorted(set(self._drawn) - {name})
        self._drawn[name] = z.detach()
        if not others:
            return z.new_zeros(())
        other = others[step // self.terms.every % len(others)]
        errors = cycle_error_px(prior.grid, z, self._priors[other].grid, self._drawn[other])
        return mean(cycle_error(errors)) if len(errors) else z.new_zeros(())

    def state(self) -> dict[str, Tensor]:
        """What a resumed fit needs to cost the same."""
        known = {name: [asdict(a), self._aligned_at[name]] for name, a in self.alignments.items()}
        text = torch.frombuffer(bytearray(json.dumps(known).encode()), dtype=torch.uint8)
        return {"alignments": text} | {f"drawn.{name}": z for name, z in self._drawn.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Goes on from a `state`."""
        known = json.loads(bytes(state["alignments"].tolist()))
        self.alignments = {name: Alignment(**values) for name, (values, _) in known.items()}
        self._aligned_at = {name: at for name, (_, at) in known.items()}
        self._drawn = {name.removeprefix("drawn."): z for name, z in state.items() if name.startswith("drawn.")}
        self._targets.clear()
