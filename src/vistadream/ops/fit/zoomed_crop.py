"""Views at twice their size, one quarter at a time, so that a fitted scene has no gaps on a larger screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import overload

import torch
from jaxtyping import Shaped
from torch import Tensor

from vistadream.core import Camera, View

_QUARTERS = ((0, 0), (1, 1), (1, 0), (0, 1))
"""(is lower, is right) of each quarter, in the order of their turns."""


def zoomed_crop(view: View, quarter: int) -> View:
    """A quarter of the View at twice the size, so that it has about as many pixels as the View.

    Its camera has twice the focal length. Its colors are interpolated (bicubic) and add no detail, but its rendering
    shows the gaps that the Gaussians leave between the pixels of the View. It has no depth.
    """
    low, right = _QUARTERS[quarter]
    width, height = view.camera.width, view.camera.height
    w, h = 2 * ((width + 1) // 2), 2 * ((height + 1) // 2)
    left, top = right * (2 * width - w), low * (2 * height - h)
    window = (slice(top, top + h), slice(left, left + w))
    supervise, lift, generated = (
        _larger(mask, "nearest")[window] for mask in (view.supervise, view.lift, view.generated)
    )
    return replace(
        view,
        name=f"{view.name}/zoomed crop {quarter}",
        camera=view.camera.resize(2 * width, 2 * height).crop(left, top, w, h),
        rgb=_larger(view.rgb, "bicubic")[window].clamp(0, 1),
        z=None,
        confidence=None,
        normals=None,
        supervise=supervise,
        lift=lift,
        generated=generated,
    )


class WithZoomedCrops(Sequence[View]):
    """Some Views, followed by four zoomed crops of each, which are made when they are accessed.

    A crop has the same camera each time, because a camera is copied to a GPU once.
    """

    def __init__(self, views: Sequence[View]):
        self._views = views
        self._cameras: dict[int, Camera] = {}

    def __len__(self) -> int:
        return 5 * len(self._views)

    @overload
    def __getitem__(self, index: int) -> View: ...
    @overload
    def __getitem__(self, index: slice) -> list[View]: ...
    def __getitem__(self, index: int | slice) -> View | list[View]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        n = len(self._views)
        if index < n:
            return self._views[index]
        crop = zoomed_crop(self._views[(index - n) // 4], (index - n) % 4)
        return replace(crop, camera=self._cameras.setdefault(index, crop.camera))

    def order(self, whole: Sequence[int], share: float) -> list[int]:
        """The indices `whole` of full Views, in which a `share` of each View's turns goes to its zoomed crops instead.

        Those turns are evenly spread.
        """
        n, turns, mixed = len(self._views), [0] * len(self._views), []
        for index in whole:
            before, after = int(turns[index] * share), int((turns[index] + 1) * share)
            mixed.append(n + 4 * index + before % 4 if after > before else index)
            turns[index] += 1
        return mixed


def _larger(picture: Shaped[Tensor, "h w *c"], mode: str) -> Shaped[Tensor, "h2 w2 *c"]:
    """The picture at twice its width and height."""
    planes = picture.float().reshape(*picture.shape[:2], -1).permute(2, 0, 1)[None]
    corners = None if mode == "nearest" else False
    large = torch.nn.functional.interpolate(planes, scale_factor=2.0, mode=mode, align_corners=corners)[0]
    large = large.permute(1, 2, 0)
    return large.reshape(*large.shape[:2], *picture.shape[2:]).to(picture.dtype)
