"""Close-ups: the same rays, the same colours, a share of the steps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.core import Camera, View
from vistadream.ops.fit.zoomed_crop import WithZoomedCrops, zoomed_crop


def view(width: int = 9, height: int = 6, name: str = "v") -> View:
    camera = Camera.from_focal(8.0, width, height, principal_px=(4.0, 3.5))
    rows, columns = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    rgb = torch.stack([columns / width, rows / height, torch.full_like(rows, 0.25)], dim=-1)
    on = columns > 5
    return View(name, camera, rgb, torch.ones(height, width), on, ~on, rows > 3)


@pytest.mark.parametrize("quarter", range(4))
def test_a_pixel_of_a_close_up_shows_what_the_view_shows_along_its_ray(quarter: int) -> None:
    whole = view()
    near = zoomed_crop(whole, quarter)
    uv, _ = whole.camera.project(near.camera.rays())
    inside = (uv > 1.5).all(-1) & (uv[..., 0] < 7.5) & (uv[..., 1] < 4.5)
    expected = uv / torch.tensor([9.0, 6.0])
    assert torch.allclose(near.rgb[inside][:, :2], expected[inside], atol=0.01), "colours are a ramp of uv"
    column, row = uv.floor().long().clamp_min(0).unbind(-1)
    for name in ("supervise", "lift", "generated"):
        assert torch.equal(getattr(near, name), getattr(whole, name)[row, column])


def test_the_four_quarters_cover_every_pixel_of_the_view() -> None:
    whole = view()
    seen = torch.zeros(6, 9, dtype=torch.bool)
    for quarter in range(4):
        uv, _ = whole.camera.project(zoomed_crop(whole, quarter).camera.rays())
        column, row = uv.floor().long().unbind(-1)
        seen[row.flatten(), column.flatten()] = True
    assert bool(seen.all())


@given(st.lists(st.integers(0, 2), max_size=40), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_a_share_of_each_views_turns_goes_to_its_quarters_in_turn(whole: list[int], share: float) -> None:
    views = WithZoomedCrops([view(name=name) for name in "abc"])
    mixed = views.order(whole, share)
    assert len(mixed) == len(whole)
    for k in range(3):
        turns = [index for index, before in zip(mixed, whole, strict=True) if before == k]
        quarters = [(index - 3) % 4 for index in turns if index >= 3]
        assert {(index - 3) // 4 if index >= 3 else index for index in turns} <= {k}
        assert len(quarters) == int(len(turns) * share)
        assert quarters == [i % 4 for i in range(len(quarters))]


def test_views_and_zoomed_crops_are_found_by_index() -> None:
    views = WithZoomedCrops([view(name="a"), view(name="b")])
    assert [v.name for v in views][:3] == ["a", "b", "a/zoomed crop 0"]
    assert len(views) == 10
    assert [v.name for v in views[8:]] == ["b/zoomed crop 2", "b/zoomed crop 3"]
