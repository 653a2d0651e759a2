"""Many pictures of one scene, drawn in batches where that is faster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from vistadream.core import Camera, Gaussians, Renderer, Rendering


def drawn(
    renderer: Renderer, gaussians: Gaussians, cameras: Sequence[Camera], want: Sequence[str]
) -> Iterator[Rendering]:
    """One Rendering for each camera, without gradients.

    A renderer that draws several cameras together faster says how many by its `CAMERAS_AT_ONCE`. Any other draws one at
    a time, when its picture is asked for, and needs the memory of one.
    """
    at_once = getattr(renderer, "CAMERAS_AT_ONCE", 1)
    for first in range(0, len(cameras), at_once):
        with torch.no_grad():
            pictures = renderer(gaussians, cameras[first : first + at_once], want=want)
        yield from pictures
