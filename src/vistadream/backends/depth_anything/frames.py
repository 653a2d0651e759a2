"""The pictures of several Views in one size, as the network reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.depth.centering import Margins, centered_size, margins, padded, window
from vistadream.core import View


@dataclass(frozen=True)
class Frames:
    """Views whose pictures are padded to one size, with each principal point at the center."""

    views: Sequence[View]
    width: int
    height: int
    added: Sequence[Margins]

    @staticmethod
    def of(views: Sequence[View]) -> Frames:
        """The smallest frames that hold all Views. ValueError for pixels that are not square."""
        sizes = [centered_size(view.camera) for view in views]
        width, height = (max(sides) for sides in zip(*sizes, strict=True))
        return Frames(views, width, height, [margins(view.camera, width, height) for view in views])

    def pictures(self) -> Float[Tensor, "n 3 H W"]:
        """On the CPU."""
        return torch.stack([padded(view, m).cpu() for view, m in zip(self.views, self.added, strict=True)])

    def window(self, number: int) -> tuple[slice, slice]:
        """Rows and columns of a View in its frame."""
        return window(self.views[number], self.added[number])

    def intrinsics(self, width: int, height: int) -> Float[Tensor, "n 3 3"]:
        """K of each frame after it was resized; the principal point is at the center."""
        K = torch.zeros(len(self.views), 3, 3)
        K[:, 0, 0] = torch.tensor([view.camera.fx for view in self.views]) * width / self.width
        K[:, 1, 1] = torch.tensor([view.camera.fy for view in self.views]) * height / self.height
        K[:, 0, 2], K[:, 1, 2], K[:, 2, 2] = width / 2, height / 2, 1
        return K
