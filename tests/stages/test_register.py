"""Stage register: the world, its unit, which photos are kept, and what is said."""

from dataclasses import dataclass, replace

import pytest
import torch

from vistadream.core import (
    Camera,
    Note,
    PlacedPhoto,
    Registration,
    Scene,
    SparsePoints,
    Summary,
    UserError,
    View,
    silent,
)
from vistadream.stages.register import Register

POINTS = torch.tensor([[x, y, z] for x in (-1.0, 0.0, 1.0) for y in (-0.5, 0.5) for z in (4.0, 5.0)])
"""In the world of the estimator."""


def camera_at(x, turned=False):
    pose = torch.eye(4)
    if turned:
        pose[:3, :3] = torch.tensor([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    pose[:3, 3] = -pose[:3, :3] @ torch.tensor([x, 0.0, 0.0])
    return Camera.from_focal(60.0, 80, 60).at(pose)


CAMERAS = {"a": camera_at(0.3, turned=True), "b": camera_at(0.6), "c": camera_at(-0.6)}


def photo(name, z=None):
    everywhere = torch.ones(60, 80, dtype=torch.bool)
    camera = Camera.from_focal(99.0, 80, 60)
    known = {"focal_known": False, "pose_known": False}
    return View(name, camera, torch.rand(60, 80, 3), z, everywhere, everywhere, ~everywhere, **known)


def points_of(cameras):
    """The points as each camera sees them, exactly."""
    n = len(POINTS)
    px = torch.cat([camera.project(POINTS)[0] for camera in cameras.values()])
    index = torch.arange(n).repeat(len(cameras))
    view = torch.arange(len(cameras)).repeat_interleave(n)
    return SparsePoints(POINTS, torch.rand(n, 3), torch.full((n,), 0.5), tuple(cameras), index, view, px)


@dataclass
class Known:
    """An estimator that knows the answer."""

    registration: Registration

    def __call__(self, views):
        return self.registration


def registered(names="abc", photos=None, observe=silent, **facts):
    cameras = {name: CAMERAS[name] for name in names}
    found = Registration(cameras, points_of(cameras), **facts)
    return Register(Known(found), 3.0)(Scene(tuple(photos or map(photo, "abc"))), observe)


def test_the_anchor_is_the_origin_and_all_project_as_before():
    scene = registered()
    assert torch.equal(scene.anchor.camera.cam_from_world, torch.eye(4))
    assert all(view.focal_known and view.pose_known for view in scene.photos)
    for view in scene.photos:
        index, px = scene.points.seen_by(view.name)
        assert torch.allclose(view.camera.project(scene.points.xyz[index])[0], px, atol=1e-3)
        assert view.camera.fx == 60.0


def test_the_unit_puts_the_points_of_the_anchor_at_the_median_depth():
    scene = registered()
    index, _ = scene.points.seen_by("a")
    assert float(scene.anchor.camera.project(scene.points.xyz[index])[1].median()) == pytest.approx(3.0, rel=1e-5)
    assert not scene.is_metric


def test_a_measured_depth_sets_the_unit():
    """Where the depth of view b is measured as twice that of the points, everything doubles."""
    z = torch.zeros(60, 80)
    px, depth = CAMERAS["b"].project(POINTS)
    column, row = px.long().unbind(1)
    z[row, column] = 2 * depth
    scene = registered(photos=[photo("a"), photo("b", z), photo("c")])
    assert scene.is_metric
    distance = (scene.view("b").camera.center - scene.view("c").camera.center).norm()
    assert float(distance) == pytest.approx(2 * 1.2, rel=0.02)
    assert torch.equal(scene.view("b").z, z)


def test_given_poses_with_measured_depth_keep_their_unit():
    scene = registered(photos=[photo("a"), photo("b", torch.full((60, 80), 7.0)), photo("c")], keeps_unit=True)
    assert scene.is_metric
    distance = (scene.view("b").camera.center - scene.view("c").camera.center).norm()
    assert float(distance) == pytest.approx(1.2, rel=1e-5)


def test_given_poses_without_measured_depth_have_no_known_unit():
    assert not registered(keeps_unit=True).is_metric


def test_photos_without_a_camera_are_left_out_with_the_reason():
    seen = []
    scene = registered(
        "bc",
        observe=lambda name, value, step=None: seen.append((name, value)),
        figures={"matches": {"a": 0, "b": 40, "c": 40}},
    )
    assert [view.name for view in scene.views] == ["b", "c"]
    assert torch.equal(scene.anchor.camera.cam_from_world, torch.eye(4))
    (summary,) = [value for _, value in seen if isinstance(value, Summary)]
    assert summary.text == "2 of 3 photos registered, 12 points, 0.50 px, focal length 60 px"
    first, second, _ = summary.data["photos"]
    assert first == {"name": "a", "used": False, "reason": "it matches no other photo", "error_px": None}
    assert second["used"]
    assert second["error_px"] == pytest.approx(0, abs=1e-3)
    notes = [value for _, value in seen if isinstance(value, Note)]
    assert notes == [Note("a is not used: it matches no other photo")]
    placed = {name for name, value in seen if isinstance(value, PlacedPhoto)}
    assert placed == {"register/cameras/b", "register/cameras/c"}
    assert [name for name, value in seen if isinstance(value, SparsePoints)] == ["register/points"]


def test_it_is_a_warning_when_most_photos_are_left_out():
    seen = []
    photos = [photo(name) for name in "abcdefg"]
    registered("bc", photos, lambda name, value, step=None: seen.append(value))
    warnings = [note for note in seen if isinstance(note, Note)]
    assert len(warnings) == 5
    assert {note.level for note in warnings} == {"warning"}


def test_different_lenses_and_remarks_are_said():
    seen = []
    cameras = {"a": CAMERAS["a"], "b": CAMERAS["b"].with_focal(70.0)}
    found = Registration(cameras, points_of(cameras), remarks=(Note("a remark", "warning"),))
    Register(Known(found), 3.0)(Scene((photo("a"), photo("b"))), lambda name, value, step=None: seen.append(value))
    assert any("focal lengths 60 to 70 px" in value.text for value in seen if isinstance(value, Summary))
    assert Note("a remark", "warning") in seen


def test_one_registered_photo_is_too_few():
    with pytest.raises(UserError, match="1 of 3 photos could be registered; wanted two or more"):
        registered("a")


def test_a_depth_that_cannot_be_related_to_the_points_is_dropped():
    scene = registered(photos=[photo("a", torch.zeros(60, 80)), photo("b"), photo("c")])
    assert scene.anchor.z is None
    assert not scene.is_metric


def test_the_median_depth_must_be_positive():
    with pytest.raises(ValueError, match="median_depth"):
        replace(Register(Known(None), 3.0), median_depth=0.0)


def test_each_photo_is_shown_where_it_stood_at_a_share_of_the_depth():
    seen = {}
    scene = registered(observe=lambda name, value, step=None: seen.update({name: value}))
    for view in scene.photos:
        placed = seen[f"register/cameras/{view.name}"]
        assert placed.camera is view.camera
        assert placed.rgb is view.rgb
        assert placed.distance == pytest.approx(0.05 * 3.0)
