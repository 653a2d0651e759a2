"""How far a scene holds: what is seen of it from other places, without a picture of the truth."""

from dataclasses import replace

import pytest
import torch

from vistadream.config import configured
from vistadream.core import Camera, Gaussians, Scene, View
from vistadream.ops.camera_path.pose import aimed, reach_of
from vistadream.ops.evaluation.reach import ANGLES_DEG, DIRECTIONS, DISTANCES, FAULTY, TURNS, Examined, measure_reach
from vistadream.ops.gaussians.lift import lift_view
from vistadream.ops.holes.preview import hole_ratios

CAMERA = Camera.from_fov(60, 96, 72)
RENDERER = configured("backends/render=cpu")


def wall(wider: float, left_only: bool = False) -> Scene:
    """A wall at distance 2 that was fitted in the photo and around it, by this share of its width."""
    pad = round(wider * CAMERA.width)
    canvas = CAMERA.pad(pad, 0 if left_only else pad, pad, pad)
    rgb = torch.full((canvas.height, canvas.width, 3), 0.5)
    known = torch.ones(rgb.shape[:2], dtype=torch.bool)
    around = View("outpaint", canvas, rgb, torch.full_like(rgb[..., 0], 2.0), known, known, known)
    window = (slice(pad, pad + CAMERA.height), slice(pad, pad + CAMERA.width))
    inner, seen = known[window], around.depth[window]
    photo = View("input", CAMERA, rgb[window], seen, inner, inner, ~inner)
    return Scene((photo, replace(around, origin="canvas", extends="input")), lift_view(around, 0.65, 0.5))


def closed(radius: float) -> Scene:
    """A hollow ball around the photo, which sees a part of it."""
    n = 40_000
    i = torch.arange(n) + 0.5
    up, turn = 1 - 2 * i / n, i * torch.pi * (1 + 5**0.5)
    flat = (1 - up**2).sqrt()
    means = radius * torch.stack([turn.cos() * flat, up, turn.sin() * flat], -1)
    size = torch.full((n, 3), 1.2 * radius * (4 * torch.pi / n) ** 0.5 / 2)
    quats = torch.eye(4)[:1].expand(n, 4)
    shell = Gaussians(means, quats, size, torch.full((n,), 0.99), torch.full((n, 3), 0.5))
    scene = wall(0.0)
    photo = replace(scene.anchor, z=torch.full_like(scene.anchor.depth, radius))
    return Scene((photo,), shell)


def test_a_scene_without_a_hole_holds_until_its_surfaces_are_three_times_as_near():
    scene = closed(2.0)
    found = measure_reach(scene, RENDERER)
    assert set(found.moved) == set(DIRECTIONS)
    assert set(found.turned_deg) == set(TURNS)
    assert set(found.turned_deg.values()) == {ANGLES_DEG[-1]}
    assert {found.moved[way] for way in ("right", "left", "up", "down", "backward")} == {DISTANCES[-1]}
    assert 0.4 < found.moved["forward"] < 2 / 3, "from two thirds of the way a wall is seen at three times its size"


def test_more_around_the_photo_means_more_reach():
    narrow, wide = (measure_reach(wall(wider), RENDERER) for wider in (0.15, 0.6))
    assert all(wide.moved[way] >= narrow.moved[way] for way in DIRECTIONS)
    assert all(wide.turned_deg[way] >= narrow.turned_deg[way] for way in TURNS)
    assert wide.smallest > narrow.smallest >= 0


def test_a_border_on_one_side_helps_on_that_side():
    even, uneven = measure_reach(wall(0.4), RENDERER), measure_reach(wall(0.4, left_only=True), RENDERER)
    assert even.turned_deg["left"] == even.turned_deg["right"]
    assert even.moved["left"] == even.moved["right"]
    assert uneven.turned_deg["left"] == even.turned_deg["left"] > uneven.turned_deg["right"] == 0


@pytest.mark.parametrize("share", [0.0, 0.04, 0.25])
def test_holes_are_those_of_the_full_picture(share: float):
    scene = wall(0.5)
    column = CAMERA.project(scene.gaussians.means)[0][:, 0]
    kept = scene.gaussians.subset((column - CAMERA.cx).abs() >= share * CAMERA.width / 2)
    examined = Examined(kept, scene.views, RENDERER, CAMERA)
    assert examined(CAMERA).holes == pytest.approx(hole_ratios(kept, [CAMERA], RENDERER)[0], abs=0.01)
    assert examined(CAMERA).hold == (share < FAULTY)


@pytest.mark.parametrize(("distance", "share"), [(0.6, 0.0), (0.75, 1.0)])
def test_a_surface_is_stretched_at_three_times_its_size(distance: float, share: float):
    scene = wall(0.5)
    focus_z = reach_of(scene.anchor).focus_z
    (near,) = aimed(scene.anchor, torch.tensor([[0.0, 0.0, distance * focus_z]]), focus_z)
    faults = Examined(scene.gaussians, scene.views, RENDERER, CAMERA)(near)
    assert faults.stretched == pytest.approx(share, abs=0.02)
    assert faults.holes == 0
