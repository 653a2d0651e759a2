"""Several Views read together, by the real package with tiny random networks."""

import math
from dataclasses import replace

import pytest
import torch
from tests.devices.fake_device import FakeDevice

from vistadream.backends.depth_anything.any_view import AnyView
from vistadream.backends.depth_anything.cameras import about_first
from vistadream.backends.depth_anything.network import normalized
from vistadream.core import Camera, Progress, View, use_observer
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.views.epipolar import epipolar_error_px

WIDTH, HEIGHT = 70, 56
LENS = Camera.from_focal(80, WIDTH, HEIGHT)
UP, TARGET = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 5.0])


@pytest.fixture
def net(tiny_depth_anything):
    return tiny_depth_anything.wide_awake()


@pytest.fixture
def any_view(tiny_depth_anything, net, tmp_path):
    """Makes the backend with the weights of `net`."""
    folder = tiny_depth_anything.write(net.state_dict(), tmp_path)
    knobs = {"model": "auto", "path": folder, "device": "cpu", "memory": "auto", "accept_noncommercial": False}
    knobs |= {"resolution_px": WIDTH, "min_confidence": 0.0}
    knobs |= {"ref_view": "auto", "ray_pose": False, "max_views": 32, "seed": 0}
    return lambda **changed: AnyView(**knobs | changed)


def views(count: int, pose_known: bool = False, focal_known: bool = True, size=(WIDTH, HEIGHT)) -> list[View]:
    """Photos of noise, from random places."""
    draw = torch.Generator().manual_seed(1)
    width, height = size
    everywhere = torch.ones(height, width, dtype=torch.bool)
    found = []
    for i in range(count):
        pose = look_at(torch.randn(3, generator=draw), TARGET, UP) if pose_known else torch.eye(4)
        camera, rgb = Camera.from_focal(80, width, height).at(pose), torch.rand(height, width, 3, generator=draw)
        view = View(f"photo_{i}", camera, rgb, None, everywhere, everywhere, ~everywhere, focal_known)
        found.append(replace(view, pose_known=pose_known))
    return found


def pictures(photos: list[View]) -> torch.Tensor:
    return normalized(torch.stack([view.rgb.permute(2, 0, 1) for view in photos]), (WIDTH, HEIGHT))[None]


def relative(poses: torch.Tensor) -> torch.Tensor:
    """Poses "n 3 4" in the axes of the first."""
    whole = torch.eye(4).repeat(len(poses), 1, 1)
    whole[:, :3] = poses[:, :3]
    return whole @ torch.linalg.inv(whole[0])


def heard(work) -> tuple[list, list[str]]:
    """The result of `work()` and the notes that it told."""
    notes: list[str] = []
    with use_observer(lambda name, value, step=None: notes.append(getattr(value, "text", ""))):
        return work(), notes


def test_given_poses_reach_the_network_as_the_package_gives_them(net, any_view):
    photos = views(5, pose_known=True)
    poses = torch.stack([view.camera.cam_from_world for view in photos])
    with torch.no_grad():
        said = net(pictures(photos), about_first(poses)[None], LENS.K.expand(5, 3, 3)[None])
        blind = net(pictures(photos))
    found = any_view()(photos)
    ratio = found[0].z / said["depth"][0, 0]
    assert float(ratio.std() / ratio.mean()) < 1e-4, "one unit for the whole picture"
    for each, depth, view in zip(found, said["depth"][0], photos, strict=True):
        torch.testing.assert_close(each.z, ratio.mean() * depth, rtol=1e-3, atol=0)
        assert torch.equal(each.camera.cam_from_world, view.camera.cam_from_world)
    assert not torch.allclose(blind["depth"], said["depth"], rtol=1e-3), "or the test would prove nothing"


def test_twice_as_large_a_world_is_twice_as_deep(any_view):
    photos = views(5, pose_known=True)
    larger = []
    for view in photos:
        pose = view.camera.cam_from_world.clone()
        pose[:3, 3] *= 2
        larger.append(replace(view, camera=view.camera.at(pose)))
    for one, two in zip(any_view()(photos), any_view()(larger), strict=True):
        torch.testing.assert_close(two.z, 2 * one.z, rtol=1e-3, atol=0)


def test_poses_that_leave_the_unit_open_are_told(net, any_view):
    photos = views(2, pose_known=True)
    found, notes = heard(lambda: any_view()(photos))
    assert any("do not fix the unit" in note for note in notes)
    poses = torch.stack([view.camera.cam_from_world for view in photos])
    with torch.no_grad():
        said = net(pictures(photos), about_first(poses)[None], LENS.K.expand(2, 3, 3)[None])
    torch.testing.assert_close(torch.stack([each.z for each in found]), said["depth"][0], rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("asked", "strategy", "video"),
    [
        ("auto", "saddle_balanced", False),
        ("auto", "middle", True),
        ("first", "first", False),
        ("middle", "middle", False),
        ("saddle_sim_range", "saddle_sim_range", True),
    ],
)
def test_the_view_that_others_refer_to_is_chosen_as_asked(net, any_view, asked, strategy, video):
    photos = [replace(view, time_s=i / 2 if video else None) for i, view in enumerate(views(5))]
    with torch.no_grad():
        said = net(pictures(photos), ref_view_strategy=strategy)
        other = net(pictures(photos), ref_view_strategy="first" if strategy != "first" else "middle")
    found = any_view(ref_view=asked)(photos)
    torch.testing.assert_close(torch.stack([each.z for each in found]), said["depth"][0], rtol=1e-4, atol=0)
    poses = torch.stack([each.camera.cam_from_world for each in found])
    torch.testing.assert_close(poses, relative(said["extrinsics"][0]), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(relative(other["extrinsics"][0]), relative(said["extrinsics"][0]), atol=1e-3)


def test_a_choice_that_does_nothing_is_told(any_view):
    two, notes = heard(lambda: any_view(ref_view="middle")(views(2)))
    assert [note for note in notes if "ref_view=middle does nothing here: there are only 2 views" in note]
    plain, notes = heard(lambda: any_view()(views(2)))
    assert not [note for note in notes if "ref_view" in note]
    for one, other in zip(two, plain, strict=True):
        assert torch.equal(one.z, other.z)
    _, notes = heard(lambda: any_view(ref_view="first")(views(4, pose_known=True)))
    assert any("their poses are known" in note for note in notes)


def test_cameras_from_rays_are_the_package_s_and_the_same_again(net, any_view):
    photos, state = views(4, focal_known=False), torch.get_rng_state()
    found = any_view(ray_pose=True, seed=7)(photos)
    assert torch.equal(torch.get_rng_state(), state), "it draws from nobody's random numbers"
    torch.manual_seed(7)
    with torch.no_grad():
        said = net(pictures(photos), use_ray_pose=True)
    poses = torch.stack([each.camera.cam_from_world for each in found])
    torch.testing.assert_close(poses, relative(said["extrinsics"][0]), atol=1e-3, rtol=1e-3)
    again = any_view(ray_pose=True, seed=7)(photos)
    assert torch.equal(poses, torch.stack([each.camera.cam_from_world for each in again]))
    decoded = torch.stack([each.camera.cam_from_world for each in any_view()(photos)])
    assert not torch.allclose(poses, decoded, atol=1e-2)


def rolled(camera: Camera, angle_deg: float) -> Camera:
    """The camera turned about its own axis."""
    c, s = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    turn = torch.eye(4)
    turn[:2, :2] = torch.tensor([[c, -s], [s, c]])
    return camera.at(turn @ camera.cam_from_world)


def test_rays_give_poses_that_map_the_world_to_the_camera(net):
    """The package calls its inverse "w2c -> c2w". Here rays of known cameras go in; matches of known points decide."""
    found = [replace(view, camera=rolled(view.camera, 50.0 * i)) for i, view in enumerate(views(3, pose_known=True))]
    rays = torch.stack([view.camera.resize(20, 16).rays() @ view.camera.cam_from_world[:3, :3] for view in found])
    centers = torch.stack([view.camera.center for view in found])[:, None, None].expand_as(rays)
    output = {"ray": torch.cat([rays, centers], -1)[None], "ray_conf": torch.ones(1, *rays.shape[:3])}
    dictionary = type(net(pictures(found)[:, :1]))
    said = net._process_ray_pose_estimation(dictionary(output), HEIGHT, WIDTH)
    points = TARGET + torch.randn(50, 3)
    px = [view.camera.project(points)[0] for view in found]
    as_said = [LENS.at(torch.cat([pose, torch.eye(4)[3:]])) for pose in said["extrinsics"][0]]
    inverted = [camera.at(torch.linalg.inv(camera.cam_from_world)) for camera in as_said]
    right, wrong = (float(epipolar_error_px(px[0], px[2], c[0], c[2]).median()) for c in (as_said, inverted))
    assert right < 0.2
    assert wrong > 2
    poses = torch.stack([view.camera.cam_from_world[:3] for view in found])
    torch.testing.assert_close(said["extrinsics"][0], poses, atol=0.05, rtol=0)
    assert float(said["intrinsics"][0, 0, 0, 0]) == pytest.approx(80, rel=0.02)


def test_photos_of_one_lens_get_one_focal_length(any_view):
    found = any_view()([*views(3, focal_known=False), *views(2, focal_known=False, size=(56, 56))])
    focal_px = [each.camera.fx for each in found]
    assert len(set(focal_px[:3])) == len(set(focal_px[3:])) == 1
    known = any_view()([*views(2, focal_known=False), *views(1)])
    assert known[2].camera.fx == 80


def test_more_views_are_read_in_chunks(any_view):
    photos, seen = views(20, pose_known=True), []
    with use_observer(lambda name, value, step=None: seen.append(value)):
        found = any_view(max_views=12)(photos)
    assert [value.total for value in seen if isinstance(value, Progress)] == [3, 3, 3]
    for each, view in zip(found, photos, strict=True):
        assert torch.equal(each.camera.cam_from_world, view.camera.cam_from_world)
    alone = any_view()(photos[:12])
    for each, same in zip(found[:12], alone, strict=True):
        assert torch.equal(each.z, same.z)
    free = any_view(max_views=12)([replace(view, pose_known=False) for view in photos])
    assert len(free) == 20
    assert len({each.camera.fx for each in free}) == 1


def test_a_full_gpu_makes_the_chunks_smaller(any_view, monkeypatch):
    """The memory that is full is pretended, and so is the GPU, on which work goes through the ladder of policies."""
    sizes, read = [], AnyView.infer_under

    def of_ten_pictures(self, policy, pictures, request):
        sizes.append(len(pictures))
        if len(pictures) > 10:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return read(self, policy, pictures, request)

    monkeypatch.setattr(AnyView, "infer_under", of_ten_pictures)
    monkeypatch.setattr(AnyView, "run", lambda self, work: self._ladder(lambda budget: work(budget.policy)))
    found, notes = heard(lambda: any_view(memory="high", max_views=32)(views(11, pose_known=True)))
    assert sizes == [11, 11, 9, 9, 9]
    assert len(found) == 11
    assert any("the GPU is full; going on with memory=low" in note for note in notes)


@pytest.mark.parametrize("pose_known", [True, False])
def test_views_on_a_gpu_get_their_predictions_there(any_view, pose_known):
    photos = views(20, pose_known=pose_known)
    wanted = any_view(max_views=12)(photos)
    with FakeDevice():
        found = any_view(max_views=12)([view.to("cuda") for view in photos])
        assert {each.z.device.type for each in found} == {"cuda"}
        for each, same in zip(found, wanted, strict=True):
            torch.testing.assert_close(each.z.cpu(), same.z, rtol=1e-3, atol=0)
            torch.testing.assert_close(each.camera.cam_from_world, same.camera.cam_from_world, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    "knobs", [{"model": "da3mono-large"}, {"model": "da3metric-large"}, {"max_views": 8}, {"ref_view": "last"}]
)
def test_knobs_out_of_range_are_refused(any_view, knobs):
    (knob,) = knobs
    with pytest.raises(ValueError, match=rf"AnyView\.{knob}: got .*wanted"):
        any_view(**knobs)
