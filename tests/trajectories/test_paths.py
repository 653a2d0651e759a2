"""Camera paths: rigid, of one lens, laid out in the photo's axes and depth, and true to their names."""

import math

import pytest
import torch
from torch import Tensor

from vistadream.core import Camera, Scene, Trajectory, UserError, View
from vistadream.ops.camera_path.pose import look_at, reach_of
from vistadream.trajectories.interpolate import Interpolate
from vistadream.trajectories.paths import Dolly, Orbit, Rotate, Spiral, Swing, Wobble

KEYFRAMES = [[0, 0, 0, 0, 0], [0.3, 0, 0.1, -30, 0], [0.1, -0.2, 0.3, 10, 20], [0, 0, 0, 0, 0]]
PATHS = [
    Spiral(radius=0.3, height=0.5, depth=0.3, turns=2),
    Wobble(radius=0.1, height=0.5),
    Swing(radius=0.3),
    Orbit(degrees=60),
    Rotate(yaw_deg=30, pitch_deg=10),
    Dolly(forward=0.5, backward=0.2),
    Interpolate(KEYFRAMES),
]
AIMED = (Spiral, Wobble, Swing, Orbit)
CLOSED_AT_THE_PHOTO = (Spiral, Swing, Rotate, Dolly, Interpolate)
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda p: type(p).__name__)


def flat_scene(depth: float = 2.0, pose: Tensor | None = None) -> Scene:
    camera = Camera.from_fov(60, 40, 30)
    if pose is not None:
        camera = camera.at(pose)
    mask = torch.ones(30, 40, dtype=torch.bool)
    return Scene((View("input", camera, torch.zeros(30, 40, 3), torch.full((30, 40), depth), mask, mask, ~mask),))


def centers(path: Trajectory, n: int, depth: float = 2.0) -> Tensor:
    return torch.stack([camera.center for camera in path(flat_scene(depth), n)])


def windings(xy: Tensor) -> float:
    """How often a closed curve goes around the origin."""
    angle = torch.atan2(xy[:, 1], xy[:, 0]).double()
    return abs(float((angle.diff() + math.pi).remainder(2 * math.pi).sub(math.pi).sum())) / (2 * math.pi)


@every_path
def test_poses_are_rigid_and_keep_the_lens(path: Trajectory) -> None:
    scene = flat_scene()
    cameras = path(scene, 25)
    assert len(cameras) == 25
    for camera in cameras:
        R = camera.cam_from_world[:3, :3]
        torch.testing.assert_close(R @ R.T, torch.eye(3), atol=1e-5, rtol=0)
        assert float(torch.linalg.det(R)) == pytest.approx(1, abs=1e-5)
        photo = scene.view("input").camera
        assert torch.equal(camera.K, photo.K)
        assert (camera.width, camera.height) == (photo.width, photo.height)


@pytest.mark.parametrize(
    "path", [p for p in PATHS if isinstance(p, CLOSED_AT_THE_PHOTO)], ids=lambda p: type(p).__name__
)
def test_closed_paths_begin_and_end_at_the_photo(path: Trajectory) -> None:
    cameras = path(flat_scene(), 25)
    for end in (cameras[0], cameras[-1]):
        torch.testing.assert_close(end.cam_from_world, torch.eye(4), atol=1e-5, rtol=0)


@pytest.mark.parametrize("path", [p for p in PATHS if isinstance(p, AIMED)], ids=lambda p: type(p).__name__)
def test_aimed_cameras_look_at_the_focus(path: Trajectory) -> None:
    scene = flat_scene()
    target = torch.tensor([[0.0, 0.0, reach_of(scene.view("input")).focus_z]])
    for camera in path(scene, 9):
        uv, z = camera.project(target)
        torch.testing.assert_close(uv[0], torch.tensor([camera.cx, camera.cy]), atol=1e-3, rtol=0)
        assert float(z) > 0


@every_path
def test_the_path_moves_with_the_photo(path: Trajectory) -> None:
    """A photo elsewhere in the world gets the same path relative to itself."""
    pose = look_at(torch.tensor([3.0, -1.0, 2.0]), torch.tensor([0.0, 0.0, 5.0]), torch.tensor([0.0, 1.0, 0.0]))
    here, there = flat_scene(), flat_scene(pose=pose)
    world_from_cam = there.view("input").camera.world_from_cam
    for a, b in zip(path(here, 7), path(there, 7), strict=True):
        torch.testing.assert_close(b.cam_from_world @ world_from_cam, a.cam_from_world, atol=1e-5, rtol=0)


@every_path
def test_a_path_is_one_curve_however_many_cameras_are_on_it(path: Trajectory) -> None:
    scene = flat_scene()
    for few, many in zip(path(scene, 9), path(scene, 33)[::4], strict=True):
        torch.testing.assert_close(few.cam_from_world, many.cam_from_world, atol=1e-5, rtol=0)


@every_path
def test_the_path_grows_with_the_scene(path: Trajectory) -> None:
    torch.testing.assert_close(centers(path, 9, depth=10.0), 10 * centers(path, 9, depth=1.0), atol=1e-4, rtol=1e-4)


@every_path
def test_a_path_scaled_to_nothing_stands_where_the_photo_does(path: Trajectory) -> None:
    torch.testing.assert_close(centers(path.scaled(0.0), 9), torch.zeros(9, 3), atol=1e-6, rtol=0)
    full, half = (float(centers(p, 41).norm(dim=-1).max()) for p in (path, path.scaled(0.5)))
    assert half == pytest.approx(full / 2, rel=0.05, abs=1e-6)


@pytest.mark.parametrize("turns", [1, 3, 7])
def test_a_spiral_of_n_turns_turns_n_times(turns: int) -> None:
    inner = centers(Spiral(0.3, 1.0, 0.0, turns), 1001)[1:-1]
    assert windings(inner) == pytest.approx(turns, abs=0.02)
    radius = inner.norm(dim=-1)
    assert float(radius.max()) == pytest.approx(0.6, rel=1e-3)
    assert (radius[:499].diff() > 0).all(), "it grows until half way"


def test_a_wobble_is_one_small_ellipse_that_comes_back() -> None:
    p = centers(Wobble(0.1, 0.5), 401)
    torch.testing.assert_close(p[0], p[-1], atol=1e-6, rtol=0)
    assert windings(p) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close((p[:, 0] / 0.2) ** 2 + (p[:, 1] / 0.1) ** 2, torch.ones(401), atol=1e-4, rtol=0)
    torch.testing.assert_close(p[:, 2], torch.zeros(401), atol=1e-6, rtol=0)


def test_a_swing_goes_to_both_sides_in_a_straight_line() -> None:
    p = centers(Swing(0.3), 41)
    assert float(p[:, 0].max()) == pytest.approx(0.6)
    assert float(p[:, 0].min()) == pytest.approx(-0.6)
    torch.testing.assert_close(p[:, 1:], torch.zeros(41, 2), atol=1e-6, rtol=0)


@pytest.mark.parametrize("degrees", [60.0, -90.0, 360.0])
def test_an_orbit_keeps_its_distance_and_sweeps_its_degrees(degrees: float) -> None:
    p = centers(Orbit(degrees), 201) - torch.tensor([0.0, 0.0, 2.0])
    torch.testing.assert_close(p.norm(dim=-1), torch.full((201,), 2.0), atol=1e-4, rtol=0)
    torch.testing.assert_close(p[:, 1], torch.zeros(201), atol=1e-6, rtol=0)
    assert windings(p[:, ::2]) * 360 == pytest.approx(abs(degrees), abs=0.1)
    torch.testing.assert_close(p[100], torch.tensor([0.0, 0.0, -2.0]), atol=1e-5, rtol=0)
    assert math.copysign(1, float(p[101, 0])) == math.copysign(1, degrees)


def test_a_rotation_stays_in_place_and_looks_to_all_sides() -> None:
    cameras = Rotate(yaw_deg=180, pitch_deg=10)(flat_scene(), 401)
    forward = torch.stack([camera.cam_from_world[2, :3] for camera in cameras])
    right = torch.stack([camera.cam_from_world[0, :3] for camera in cameras])
    torch.testing.assert_close(torch.stack([c.center for c in cameras]), torch.zeros(401, 3), atol=1e-6, rtol=0)
    assert not right[:, 1].any(), "the horizon stays level"
    assert float(torch.rad2deg(forward[:, 1].asin()).max()) == pytest.approx(10, abs=1e-2)
    assert float(torch.rad2deg(forward[:, 1].asin()).min()) == pytest.approx(-10, abs=1e-2)
    assert forward[100, 2] == pytest.approx(-1, abs=1e-4), "a quarter of the way it looks straight back"


def test_a_dolly_moves_along_the_optical_axis_and_turns_nowhere() -> None:
    cameras = Dolly(forward=0.5, backward=0.2)(flat_scene(), 41)
    assert all(torch.equal(c.cam_from_world[:3, :3], torch.eye(3)) for c in cameras)
    p = torch.stack([c.center for c in cameras])
    assert not p[:, :2].any()
    assert float(p[:, 2].max()) == pytest.approx(1.0)
    assert float(p[:, 2].min()) == pytest.approx(-0.4)


def test_interpolation_passes_every_keyframe_in_order() -> None:
    path = Interpolate(KEYFRAMES)(flat_scene(), 2001)
    place = torch.stack([c.center for c in path])
    pitch = torch.stack([c.cam_from_world[2, 1] for c in path]).asin().rad2deg()
    yaw = torch.stack([torch.atan2(c.cam_from_world[2, 0], c.cam_from_world[2, 2]) for c in path]).rad2deg()
    passed = []
    for row in KEYFRAMES[:-1]:
        away = (place - 2 * torch.tensor(row[:3])).norm(dim=-1)
        at = int(away.argmin())
        passed.append(at)
        assert float(away[at]) < 2e-3
        assert float(yaw[at]) == pytest.approx(row[3], abs=0.1)
        assert float(pitch[at]) == pytest.approx(row[4], abs=0.1)
    assert passed == sorted(passed)


def test_without_keyframes_it_goes_through_the_photographed_views_alone() -> None:
    (photo,) = flat_scene().views
    second = View("b", photo.camera.at(look_at(*torch.eye(3).mul(0.5))), *_pixels(photo, photo.generated))
    invented = View(
        "c", photo.camera.at(look_at(*torch.eye(3).mul(0.7))), *_pixels(photo, ~photo.generated), origin="novel"
    )
    path = Interpolate(None)(Scene((photo, invented, second)), 5)
    torch.testing.assert_close(path[0].cam_from_world, photo.camera.cam_from_world, atol=1e-6, rtol=0)
    torch.testing.assert_close(path[-1].cam_from_world, second.camera.cam_from_world, atol=1e-5, rtol=0)
    with pytest.raises(UserError, match="wanted two or more"):
        Interpolate(None)(Scene((photo, invented)), 5)


def _pixels(view: View, generated: Tensor) -> tuple[Tensor, ...]:
    return view.rgb, view.z, view.supervise, view.lift, generated


def test_a_view_without_depth_has_no_reach() -> None:
    (photo,) = flat_scene().views
    blind = View("x", photo.camera, photo.rgb, None, photo.supervise, photo.lift, photo.generated)
    with pytest.raises(ValueError, match="no depth"):
        reach_of(blind)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Spiral(0.1, 0.1, 0.9, 1), r"Spiral\.depth: got 0.9"),
        (lambda: Wobble(-0.1, 0.1), r"Wobble\.radius"),
        (lambda: Swing(float("nan")), r"Swing\.radius"),
        (lambda: Orbit(400), r"Orbit\.degrees"),
        (lambda: Rotate(20, 90), r"Rotate\.pitch_deg"),
        (lambda: Dolly(1.0, 0), r"Dolly\.forward"),
        (
            lambda: Interpolate([[0, 0, 0, 0, 0]]),
            r"Interpolate\.keyframes: got .*; wanted two or more",
        ),
        (lambda: Interpolate([[0, 0, 0, 0, 0], [0, 0, 0]]), r"Interpolate\.keyframes\[1\]: got \[0, 0, 0\]"),
    ],
)
def test_knobs_out_of_range_are_refused_by_name(make, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make()


@pytest.mark.parametrize("path", [p for p in PATHS if not isinstance(p, Interpolate)], ids=lambda p: type(p).__name__)
def test_a_path_scaled_beyond_the_limits_of_its_knobs_stops_there(path: Trajectory) -> None:
    largest = path.scaled(1000.0)
    assert largest == path.scaled(2000.0)
    assert path.scaled(0.5) != path != largest
