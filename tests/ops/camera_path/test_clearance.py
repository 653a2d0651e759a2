"""No path touches or passes what the photo sees: a wall, a box, a corridor whose walls go on beside the camera."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vistadream.assets import sample_camera, sample_depth
from vistadream.core import Camera, Scene, Trajectory, View
from vistadream.ops.camera_path.clearance import keep_clear
from vistadream.ops.camera_path.free_space import MARGIN, FreeSpace
from vistadream.ops.camera_path.pose import centers_of, look_at, reach_of
from vistadream.trajectories.interpolate import Interpolate
from vistadream.trajectories.paths import Dolly, Orbit, Rotate, Spiral, Swing, Wobble

CAMERA = Camera.from_fov(65, 96, 72)
CORRIDOR = {"x": 1.0, "y": 1.2, "z": 8.0}
"""Half its width, half its height and its length, in metres."""


def seen(z: Tensor, pose: Tensor | None = None) -> Scene:
    camera = CAMERA if pose is None else CAMERA.at(pose)
    mask = torch.ones_like(z, dtype=torch.bool)
    return Scene((View("input", camera, torch.zeros(*z.shape, 3), z, mask, mask, ~mask),))


def wall(z: float = 2.0) -> Scene:
    return seen(torch.full((72, 96), z))


def box_before_wall() -> Scene:
    """Its front at 1.5 m, 0.6 m wide and high, before a wall at 4 m."""
    rays = CAMERA.rays()
    hit = (rays[..., :2].abs() * 1.5 < 0.3).all(-1)
    return seen(torch.where(hit, 1.5, 4.0))


def corridor(pose: Tensor | None = None) -> Scene:
    x, y, _ = CAMERA.rays().unbind(-1)
    sides = torch.stack([CORRIDOR["x"] / x.abs(), CORRIDOR["y"] / y.abs(), torch.full_like(x, CORRIDOR["z"])])
    return seen(sides.min(dim=0).values, pose)


def places(scene: Scene, path: Trajectory, n: int = 61) -> Tensor:
    """Positions in the photo's camera axes after keep_clear."""
    pose = scene.view("input").camera.cam_from_world
    centers = centers_of(keep_clear(path, scene, n).cameras)
    return centers @ pose[:3, :3].T + pose[:3, 3]


class Given(Dolly):
    """A path whose poses are the user's."""

    def scaled(self, _factor: float, /) -> "Given":
        return self


def test_a_dolly_stops_before_the_wall() -> None:
    assert float(places(wall(), Dolly(0.95, 0.0))[:, 2].max()) == pytest.approx(2 * (1 - MARGIN), rel=0.02)
    assert keep_clear(Dolly(0.5, 0.5), wall(), 9).factor == 1


def test_a_dolly_stops_before_the_box_and_not_at_the_wall() -> None:
    assert 1.2 < float(places(box_before_wall(), Dolly(0.95, 0.0))[:, 2].max()) < 1.5 * (1 - MARGIN) + 1e-3


def test_the_space_beside_the_box_is_free_and_that_behind_it_is_not() -> None:
    space = FreeSpace.of(box_before_wall())
    beside, behind, within, touching = torch.tensor(
        [[[1.0, 0, 1.7]], [[0.0, 0, 2.5]], [[0.0, 0, 1.6]], [[0.4, 0, 1.5]]]
    )
    assert bool(space.contains(beside))
    assert not any(bool(space.contains(p)) for p in (behind, within, touching))


@pytest.mark.parametrize(
    ("path", "turned"),
    [(Spiral(1.0, 1.0, 0.1, 3), False), (Wobble(0.8, 1.0), False), (Orbit(90), False), (Swing(1.0), True)],
)
def test_in_a_corridor_the_walls_that_the_camera_does_not_see_count(path: Trajectory, turned: bool) -> None:
    eye = torch.eye(3)
    scene = corridor(look_at(2 * eye[0], 3 * eye[2], eye[1]) if turned else None)
    clear = keep_clear(path, scene, 61)
    assert 0.1 < clear.factor < 1
    pose = scene.view("input").camera.cam_from_world
    p = centers_of(clear.cameras) @ pose[:3, :3].T + pose[:3, 3]
    assert float(p[:, 0].abs().max()) < CORRIDOR["x"]
    assert float(p[:, 1].abs().max()) < CORRIDOR["y"]
    assert max(float(p[:, 0].abs().max()) / CORRIDOR["x"], float(p[:, 1].abs().max()) / CORRIDOR["y"]) > 0.5


@pytest.mark.parametrize("path", [Swing(1.5), Orbit(180), Spiral(1.0, 1.0, 0.1, 3), Dolly(0.95, 0.0)])
def test_no_path_leaves_the_sample_room_whose_walls_are_known(path: Trajectory, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "research"))
    from sample_room.room import DEPTH, HALF_WIDTH, HEIGHT, eye

    mm = np.asarray(Image.open(sample_depth())).astype(np.float32)[::8, ::8]
    camera = sample_camera().decimate(8)
    z = torch.from_numpy(mm) / 1000
    mask = torch.ones_like(z, dtype=torch.bool)
    scene = Scene((View("input", camera, torch.zeros(*z.shape, 3), z, mask, mask, ~mask),))
    right, up, backward, position = torch.from_numpy(np.asarray(eye(768, 576).frame)).float()
    clear = keep_clear(path, scene, 61)
    p = centers_of(clear.cameras) @ torch.stack([right, -up, -backward]) + position
    assert clear.factor > 0.25
    assert float(p[:, 0].abs().max()) < HALF_WIDTH
    assert 0 < float(p[:, 1].min()) <= float(p[:, 1].max()) < HEIGHT
    assert 0 < float(p[:, 2].min()) <= float(p[:, 2].max()) < DEPTH


def test_without_side_walls_the_same_swing_is_not_touched() -> None:
    assert keep_clear(Swing(1.0), wall(), 61).factor == 1


def low_floor() -> Scene:
    """A floor 0.4 m below the camera before a far wall."""
    rays = CAMERA.rays()
    return seen(torch.where(rays[..., 1] > 0, 0.4 / rays[..., 1].clamp(min=1e-3), 6.0).clamp(max=6.0))


def test_a_floor_shortens_steps_down_and_no_others() -> None:
    scene, path = low_floor(), Wobble(0.5, 1.0)
    asked, kept = centers_of(path(scene, 121)), places(scene, path, 121)
    assert float(kept[:, 1].max()) < 0.4 < float(asked[:, 1].max())
    for side in (lambda p: p[:, 0].max(), lambda p: -p[:, 0].min(), lambda p: -p[:, 1].min()):
        assert float(side(kept)) == pytest.approx(float(side(asked)), rel=0.02)
    assert [limit.direction for limit in keep_clear(path, scene, 9).limits] == ["down"]


@pytest.mark.parametrize("path", [Spiral(0.9, 1.0, 0.5, 3), Swing(0.9), Wobble(0.9, 1.0), Orbit(120)])
@pytest.mark.parametrize("scene", [corridor(), low_floor(), box_before_wall()], ids=["corridor", "floor", "box"])
def test_a_shortened_path_is_clear_smooth_and_nowhere_longer(path: Trajectory, scene: Scene) -> None:
    clear = keep_clear(path, scene, 121)
    asked, kept = centers_of(path(scene, 121)), centers_of(clear.cameras)
    assert FreeSpace.of(scene).contains(kept).all()
    assert bool((kept.norm(dim=1) <= asked.norm(dim=1) + 1e-5).all())
    second = [(p[2:] - 2 * p[1:-1] + p[:-2]).norm(dim=1).max() for p in (asked, kept)]
    steps = (asked[1:] - asked[:-1]).norm(dim=1).max()
    assert float(second[1]) < float(second[0]) + 0.35 * float(steps)


def test_cameras_that_look_at_the_focus_still_do_and_others_keep_their_direction() -> None:
    scene = low_floor()
    focus = torch.tensor([0.0, 0.0, reach_of(scene.anchor).focus_z])
    for camera in keep_clear(Wobble(0.5, 1.0), scene, 31).cameras:
        uv, _ = camera.project(focus)
        torch.testing.assert_close(uv, torch.tensor([camera.cx, camera.cy]), atol=1e-2, rtol=0)
    path = Interpolate([[0, 0, 0, 0, 0], [0.0, 0.6, 0.1, 20, 0]])
    for camera, asked in zip(keep_clear(path, scene, 9).cameras, path(scene, 9), strict=True):
        assert torch.equal(camera.cam_from_world[:3, :3], asked.cam_from_world[:3, :3])


def test_the_factor_depends_on_neither_the_number_of_poses_nor_later_views() -> None:
    scene = corridor()
    later = replace(wall(0.3).view("input"), name="coarse_00", camera=CAMERA.at(look_at(*torch.eye(3))), origin="novel")
    factors = [keep_clear(Swing(1.0), *case).factor for case in ((scene, 3), (scene, 99), (scene.with_views(later), 3))]
    assert factors[0] < 1
    assert factors == 3 * factors[:1]


def test_looking_around_and_a_gentle_path_are_left_alone() -> None:
    for path in (Rotate(180, 80), Interpolate([[0, 0, 0, 0, 0], [0.05, 0, 0.1, 20, 0]])):
        clear = keep_clear(path, corridor(), 9)
        assert (clear.factor, clear.blocked, clear.note) == (1, (), None)


def test_a_shortened_path_says_where_and_why() -> None:
    short, shorter = (keep_clear(Swing(radius), corridor(), 9) for radius in (0.5, 1.0))
    assert 0.5 < short.factor < 1
    assert short.note.level == "info"
    assert shorter.factor < 0.5
    assert shorter.note.level == "warning"
    for word in ("left", "right", "a surface that goes on beyond the border of the picture"):
        assert word in shorter.note.text


def test_a_given_path_is_never_changed_but_its_bad_poses_are_named() -> None:
    scene, path = wall(), Given(forward=0.95, backward=0.0)
    clear = keep_clear(path, scene, 17)
    asked = path(scene, 17)
    assert all(torch.equal(a.cam_from_world, b.cam_from_world) for a, b in zip(clear.cameras, asked, strict=True))
    assert clear.factor == 1
    assert clear.blocked == (3, 4, 5), "the poses around a quarter of the way, beyond 1.75 m"
    assert clear.note.level == "warning"
    assert "3 of 17 poses (3, 4, 5" in clear.note.text
