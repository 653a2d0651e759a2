"""Pictures framed anew: mirrored, and cut to a part that fills the frame. The truth and the rays follow."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.cameras import Lens
from train_embedded_depth.generate import Samples
from train_embedded_depth.tensors import some, tensor

CUT_SHARE, SMALLEST = 0.7, 0.65
"""Share of the pictures that are cut, and the shortest side of a cut compared with the whole."""
LEAST_SHARED = 0.92
"""The shortest side of a second copy compared with that of the first."""


def mirrored(s: Samples) -> Samples:
    """Left and right exchanged."""
    center = torch.stack([1 - s.lens.center[:, 0], s.lens.center[:, 1]], -1)
    normal = s.normal.flip(-1) * s.normal.new_tensor([-1, 1, 1])[:, None, None]
    return Samples(s.rgb.flip(-1), s.z.flip(-1), normal, s.sky.flip(-1), s.part.flip(-1), Lens(s.lens.focal, center))


@dataclass(frozen=True, eq=False)
class Window:
    """The part of each of b pictures that fills the frame of another picture of the same size."""

    side: Float[Tensor, "b"]
    """Its sides compared with those of the whole."""
    corner: Float[Tensor, "b 2"]
    """Its upper left corner (x, y), in shares of the picture's sides."""

    @staticmethod
    def draw(rng: Generator, count: int, share: float, smallest: float) -> Window:
        """Parts of a share of the pictures, at least `smallest` of their sides; of the others all."""
        side = torch.where(some(rng, count, share).flatten() > 0, tensor(rng.uniform(smallest, 1, count)), 1.0)
        return Window(side, (1 - side)[:, None] * tensor(rng.random((count, 2))))

    def of(self, maps: Float[Tensor, "b c h w"], mode: str = "nearest") -> Float[Tensor, "b c h w"]:
        """The part of each map at the size of the whole."""
        theta = F.pad(torch.diag_embed(self.side[:, None].expand(-1, 2)), (0, 1))
        theta[..., 2] = 2 * self.corner + self.side[:, None] - 1  # its middle
        grid = F.affine_grid(theta.to(maps), list(maps.shape), align_corners=False)
        return F.grid_sample(maps, grid, mode, "border", align_corners=False)


def cut(s: Samples, rng: Generator) -> Samples:
    """A part of some pictures at the size of the whole, so that scale and the phase of pixels say nothing."""
    return _shown_in(s, Window.draw(rng, len(s.rgb), CUT_SHARE, SMALLEST))


def _shown_in(s: Samples, window: Window) -> Samples:
    height, width = s.rgb.shape[2:]
    exact = window.of(torch.cat([s.z[:, None], s.normal, s.sky[:, None].float(), s.part[:, None].float()], 1))
    center = (s.lens.center - window.corner * s.lens.center.new_tensor([1, height / width])) / window.side[:, None]
    lens, part = Lens(s.lens.focal / window.side, center), exact[:, 5].round().long()
    return Samples(window.of(s.rgb, "bilinear"), exact[:, 0], exact[:, 1:4], exact[:, 4] > 0.5, part, lens)


def twice(s: Samples, rng: Generator) -> tuple[Samples, Window]:
    """Two copies of each picture, all first copies before all second ones, and what the second show of the first."""
    window = Window.draw(rng, len(s.rgb), 1.0, LEAST_SHARED)
    other = _shown_in(s, window)
    lens = Lens(*(torch.cat(pair) for pair in zip(vars(s.lens).values(), vars(other.lens).values(), strict=True)))
    both = {name: torch.cat([x, getattr(other, name)]) for name, x in vars(s).items() if name != "lens"}
    return Samples(**both, lens=lens), window
