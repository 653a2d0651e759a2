"""Pictures are drawn in batches by a renderer that asks for them, one by one by any other, and are the same."""

from __future__ import annotations

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians
from vistadream.ops.views.drawing import drawn

RENDERER = configured("backends/render=cpu")


class Counting:
    """Notes how many cameras each call has."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def __call__(self, gaussians, cameras, **options):
        assert not torch.is_grad_enabled()
        self.calls.append(len(cameras))
        return RENDERER(gaussians, cameras, **options)


class Batching(Counting):
    CAMERAS_AT_ONCE = 3


@pytest.mark.parametrize(("kind", "calls"), [(Counting, [1] * 7), (Batching, [3, 3, 1])])
def test_batches_are_those_that_the_renderer_asks_for(kind: type[Counting], calls: list[int]) -> None:
    scene = Gaussians(torch.rand(9, 3) + 1, torch.rand(9, 4), 0.1 * torch.rand(9, 3), torch.rand(9), torch.rand(9, 3))
    cameras, renderer = [Camera.from_fov(60, 12 + i, 9) for i in range(7)], kind()
    found = list(drawn(renderer, scene, cameras, ("rgb", "alpha")))
    assert renderer.calls == calls
    for picture, wanted in zip(found, RENDERER(scene, cameras, want=("rgb", "alpha")), strict=True):
        assert picture.z is None
        assert torch.equal(picture.require("rgb"), wanted.require("rgb"))


def test_a_picture_is_drawn_when_it_is_asked_for() -> None:
    renderer = Counting()
    pictures = drawn(renderer, Gaussians.empty(), [Camera.from_fov(60, 12, 9)] * 5, ("alpha",))
    assert not renderer.calls
    next(pictures)
    assert renderer.calls == [1]
