"""The envelope reaches as far as it may in every direction, and no camera of it leaves the free space."""

import pytest
import torch

from vistadream.core import Camera, Scene, View
from vistadream.ops.camera_path.envelope import Envelope
from vistadream.ops.camera_path.free_space import FreeSpace
from vistadream.ops.camera_path.pose import centers_of, look_at, reach_of

CAMERA = Camera.from_fov(60, 64, 48)
ENVELOPE = Envelope(0.5, 30, 15, n_wide=2, wide_scale=0.5)
POSES = [torch.eye(4), look_at(torch.tensor([2.0, 0, 0]), torch.tensor([0.0, 0, 5]), torch.tensor([0.0, 1, 0]))]


def seen(z: torch.Tensor, pose: torch.Tensor = POSES[0]) -> Scene:
    mask = torch.ones_like(z, dtype=torch.bool)
    return Scene((View("input", CAMERA.at(pose), torch.zeros(*z.shape, 3), z, mask, mask, ~mask),))


def corridor(pose: torch.Tensor = POSES[0]) -> Scene:
    """Walls half a meter to both sides, floor and ceiling far away."""
    rays = CAMERA.rays()
    return seen(torch.minimum(0.5 / rays[..., 0].abs().clamp(min=1e-6), torch.tensor(4.0)), pose)


def offsets(scene: Scene) -> torch.Tensor:
    """The places of the cameras that moved, in the axes of the photo."""
    photo = scene.anchor
    places = centers_of(ENVELOPE.cameras(photo, FreeSpace.of(scene)))
    pose = photo.camera.cam_from_world
    return places @ pose[:3, :3].T + pose[:3, 3]


@pytest.mark.parametrize("pose", POSES)
def test_every_place_is_free(pose: torch.Tensor) -> None:
    scene = corridor(pose)
    places = centers_of(ENVELOPE.cameras(scene.anchor, FreeSpace.of(scene)))
    moved = (places - scene.anchor.camera.center).norm(dim=1) > 1e-4
    assert bool(moved.any())
    assert FreeSpace.of(scene).contains(places[moved]).all()


def test_in_the_open_it_reaches_its_full_distance_in_all_directions() -> None:
    scene = seen(torch.full((48, 64), 4.0))
    reach = 0.5 * reach_of(scene.anchor).focus_z
    directions = offsets(scene) / reach
    for axis in torch.eye(3):
        for sign in (1, -1):
            assert float((directions @ (sign * axis)).max()) == pytest.approx(1, abs=1e-3)


def test_a_wall_at_the_side_shortens_steps_to_the_side_and_no_others() -> None:
    moved = offsets(corridor())
    reach = 0.5 * reach_of(corridor().anchor).focus_z
    assert float(moved[:, 0].abs().max()) < 0.5
    assert float(moved[:, 1].abs().max()) == pytest.approx(reach, rel=1e-3)
    assert float(moved[:, 2].min()) == pytest.approx(-reach, rel=1e-3)


@pytest.mark.parametrize("pose", POSES)
def test_the_last_wide_view_sees_whatever_a_turned_camera_sees(pose: torch.Tensor) -> None:
    scene = seen(torch.full((48, 64), 4.0), pose)
    space = FreeSpace.of(scene)
    wide = ENVELOPE.wide(scene.anchor, 0)[-1]
    for camera in ENVELOPE.cameras(scene.anchor, space):
        if (camera.center - scene.anchor.camera.center).norm() < 1e-4:
            uv, z = wide.project(camera.unproject(torch.ones(48, 64)))
            assert bool((z > 0).all())
            assert bool(((uv >= -1) & (uv <= uv.new_tensor([wide.width + 1, wide.height + 1]))).all())


def test_wide_views_stand_at_the_photo_and_see_more_one_after_the_other() -> None:
    scene = seen(torch.full((48, 64), 4.0), POSES[1])
    small, large = ENVELOPE.wide(scene.anchor, 2)
    assert torch.equal(small.cam_from_world, scene.anchor.camera.cam_from_world)
    assert small.width < large.width
    assert small.height < large.height
    assert small.fx == large.fx == pytest.approx(0.5 * CAMERA.fx)


def test_a_factor_scales_distances_and_turns_within_the_bounds_of_the_knobs() -> None:
    assert ENVELOPE.scaled(0.5) == Envelope(0.25, 15, 7.5, n_wide=2, wide_scale=0.5)
    assert ENVELOPE.scaled(9) == Envelope(2, 60, 45, n_wide=2, wide_scale=0.5)


def test_every_camera_has_the_name_of_where_it_went() -> None:
    scene = seen(torch.full((48, 64), 4.0))
    named = dict(zip(ENVELOPE.names, ENVELOPE.cameras(scene.anchor, FreeSpace.of(scene)), strict=True))
    assert len(named) == 68
    places = {name: camera.center for name, camera in named.items()}
    assert float(places["left 0.5"][0]) == pytest.approx(2 * float(places["left 0.25"][0]))
    assert float(places["left 0.5"][0]) < 0 < float(places["right 0.5"][0])
    assert float(places["down-back 0.5"][2]) < 0 < float(places["down-back 0.5"][1])
    assert float(named["turned right x1"].cam_from_world[2, 0]) > 0.4


def test_impossible_knobs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Envelope\.yaw_deg: got 90"):
        Envelope(0.5, 90, 15, n_wide=1, wide_scale=0.5)
