"""Pictures framed anew: mirrored, and cut to a part that fills the frame. The truth and the rays follow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from train_embedded_depth.cameras import Lens
from train_embedded_depth.generate import Samples
from train_embedded_depth.tensors import some, tensor

CUT_SHARE, SMALLEST = 0.7, 0.65
"""Share of the pictures that are cut, and the shortest side of a cut compared with the whole."""


def mirrored(s: Samples) -> Samples:
    """Left and right exchanged."""
    center = torch.stack([1 - s.lens.center[:, 0], s.lens.center[:, 1]], -1)
    normal = s.normal.flip(-1) * s.normal.new_tensor([-1, 1, 1])[:, None, None]
    return Samples(s.rgb.flip(-1), s.z.flip(-1), normal, s.sky.flip(-1), s.part.flip(-1), Lens(s.lens.focal, center))


def cut(s: Samples, rng: Generator) -> Samples:
    """A part of each picture at the size of the whole, so that scale and the phase of pixels say nothing."""
    b, _, height, width = s.rgb.shape
    side = torch.where(some(rng, b, CUT_SHARE).flatten() > 0, tensor(rng.uniform(SMALLEST, 1, b)), 1.0)
    corner = (1 - side)[:, None] * tensor(rng.random((b, 2)))  # in shares of the picture's sides
    middle = 2 * corner + side[:, None] - 1
    theta = F.pad(torch.diag_embed(side[:, None].expand(-1, 2)), (0, 1))
    theta[..., 2] = middle
    grid = F.affine_grid(theta, [b, 1, height, width], align_corners=False)

    def at(x: Tensor, mode: str = "nearest") -> Tensor:
        return F.grid_sample(x, grid, mode, "border", align_corners=False)

    exact = at(torch.cat([s.z[:, None], s.normal, s.sky[:, None].float(), s.part[:, None].float()], 1))
    center = (s.lens.center - corner * s.lens.center.new_tensor([1, height / width])) / side[:, None]
    lens = Lens(s.lens.focal / side, center)
    return Samples(
        at(s.rgb, "bilinear"), exact[:, 0], exact[:, 1:4], exact[:, 4] > 0.5, exact[:, 5].round().long(), lens
    )


def twice(s: Samples) -> Samples:
    """Two copies of each picture, all first copies before all second ones."""
    lens = Lens(torch.cat([s.lens.focal] * 2), torch.cat([s.lens.center] * 2))
    rgb, z, normal, sky, part = (torch.cat([x, x]) for x in (s.rgb, s.z, s.normal, s.sky, s.part))
    return Samples(rgb, z, normal, sky, part, lens)
