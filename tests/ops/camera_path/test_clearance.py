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
from vistadream.ops.camera_path.pose import centers_of, look_at
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


@pytest.mark.parametrize("path", [Swing(1.5), Orbit(180), Spiral(1.0, 1.0, 0.3, 3), Dolly(0.95, 0.0)])
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


@pytest.mark.parametrize("path", [Spiral(0.9, 1.0, 0.5, 3), Swing(0.9)])
def test_one_factor_shrinks_the_whole_path(path: Trajectory) -> None:
    scene = corridor()
    clear = keep_clear(path, scene, 61)
    centers = centers_of(clear.cameras)
    assert clear.factor < 1
    torch.testing.assert_close(centers, clear.factor * centers_of(path(scene, 61)), atol=1e-4, rtol=1e-4)
    assert FreeSpace.of(scene).contains(centers).all()


def test_the_factor_depends_on_neither_the_number_of_poses_nor_later_views() -> None:
    scene = corridor()
    later = replace(wall(0.3).view("input"), name="coarse_00", camera=CAMERA.at(look_at(*torch.eye(3))))
    factors = [keep_clear(Swing(1.0), *case).factor for case in ((scene, 3), (scene, 99), (scene.with_views(later), 3))]
    assert factors[0] < 1
    assert factors == 3 * factors[:1]


def test_looking_around_and_a_gentle_path_are_left_alone() -> None:
    for path in (Rotate(180, 80), Interpolate([[0, 0, 0, 0, 0], [0.05, 0, 0.1, 20, 0]])):
        clear = keep_clear(path, corridor(), 9)
        assert (clear.factor, clear.blocked, clear.note) == (1, (), None)


def test_a_shrunk_path_says_so() -> None:
    note = keep_clear(Swing(1.0), corridor(), 9).note
    assert note.level == "info"
    assert "shrunk to" in note.text


def test_a_given_path_is_never_changed_but_its_bad_poses_are_named() -> None:
    scene, path = wall(), Given(forward=0.95, backward=0.0)
    clear = keep_clear(path, scene, 17)
    asked = path(scene, 17)
    assert all(torch.equal(a.cam_from_world, b.cam_from_world) for a, b in zip(clear.cameras, asked, strict=True))
    assert clear.factor == 1
    assert clear.blocked == (3, 4, 5), "the poses around a quarter of the way, beyond 1.75 m"
    assert clear.note.level == "warning"
    assert "3 of 17 poses (3, 4, 5" in clear.note.text
