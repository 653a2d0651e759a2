"""The room's geometry against ray-plane intersection by hand, and the search kernel against the room's geometry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vistadream.backends.depth.layout.fit import BENCH_COST, LineField, _agreement, _axis_hit, fit_room, room_of
from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.manhattan import rotation
from vistadream.backends.depth.layout.prior import pixel_rays
from vistadream.backends.depth.layout.room import SURFACE_AXES, USUAL_ROOM, Room

ROOM = Room((0.8, 1.0, 1.5, 2.0), (0.6, 1.0, 0.75), (0.5, 1.0, 0.4))


@pytest.mark.parametrize(
    ("ray", "reach", "surface"),
    [
        ((0, 1, 0), 1.0, 0),
        ((0, -1, 1), 0.8, 1),
        ((-1, 0, 0), 1.0, 2),
        ((1, 0, 1), 1.5, 3),
        ((0, 0, 1), 2.0, 4),
        ((-1, 0.6, 0), 0.5 / 0.6, 8),
        ((-1, 1.2, 0), 0.6 / 1, 5),
        ((0, 0.22, 1), 0.4 / 0.22, 10),
        ((0, 0.3, 1), 1.5, 7),
    ],
)
def test_rays_meet_the_surface_that_geometry_says(ray, reach, surface):
    found_reach, found_surface = ROOM.cast(np.array(ray, float))
    assert found_reach == pytest.approx(reach)
    assert found_surface == surface


@given(st.floats(-0.6, 0.6), st.floats(-0.3, 0.3), st.floats(-0.7, 0.7))
@settings(max_examples=20, deadline=None)
def test_every_point_hit_lies_in_the_room_and_on_its_surface(pitch, roll, yaw):
    K = np.array([[30.0, 0, 20], [0, 30, 15], [0, 0, 1]])
    rays = pixel_rays(K, 40, 30) @ rotation(pitch, roll, yaw).T
    reach, surface = ROOM.cast(rays)
    points = rays * reach[..., None]
    low, high = np.array([-1.0, -0.8, -np.inf]), np.array([1.5, 1.0, 2.0])
    assert (points >= low - 1e-9).all()
    assert (points <= high + 1e-9).all()
    on_left_top = points[surface == 8]
    assert np.allclose(on_left_top[:, 1], 0.5)
    assert (on_left_top[:, 0] <= -0.6 + 1e-9).all()
    on_far_front = points[surface == 7]
    assert np.allclose(on_far_front[:, 2], 1.5)
    assert (on_far_front[:, 1] >= 0.4 - 1e-9).all()


def parameters(room: Room) -> np.ndarray:
    """The 10 parameters of `room_of`."""
    return np.concatenate([np.log(room.walls), 1 - np.array(room.fronts), 1 - np.array(room.tops)])


def test_the_search_sees_the_same_room():
    rays = np.random.default_rng(0).normal([0, 0.3, 1], 1, (500, 3))
    planes = np.array([1.0, *ROOM.walls, *ROOM.fronts, *ROOM.tops])
    seen = [_axis_hit(*ray, 1 / planes) for ray in rays]
    assert np.array_equal(seen, SURFACE_AXES[ROOM.cast(rays)[1]])
    found = room_of(parameters(ROOM))
    for name in ("walls", "fronts", "tops"):
        assert getattr(found, name) == pytest.approx(getattr(ROOM, name))


K = np.array([[60.0, 0, 40], [0, 60, 30], [0, 0, 1]])
RAYS = pixel_rays(K, 80, 60)
NONE = Segments(np.zeros((0, 2, 2)))


def see_creases(room: Room, room_from_cam: np.ndarray) -> tuple[Segments, np.ndarray]:
    """The 8 visible edges of a box, cut into short segments in front of the camera, and their axes."""
    ceiling, left, right, far = room.walls
    steps = np.linspace(0, 1, 41)
    corners = np.array([[-left, 1], [right, 1], [right, -ceiling], [-left, -ceiling]])
    edges = [np.stack([[x, y, 0.0], [x, y, far]]) for x, y in corners]
    edges += [np.array([[*a, far], [*b, far]]) for a, b in zip(corners, np.roll(corners, 1, 0), strict=True)]
    ends, axes = [], []
    for start, end in np.array(edges):
        points = (start + steps[:, None] * (end - start)) @ room_from_cam
        pieces = np.stack([points[:-1], points[1:]], 1)
        pieces = pieces[(pieces[..., 2] > 0.2).all(1)]
        px = pieces @ K.T
        ends.append(px[..., :2] / px[..., 2:])
        axes += [int(np.abs(end - start).argmax())] * len(pieces)
    return Segments(np.concatenate(ends)), np.array(axes)


@pytest.mark.parametrize(("pitch", "yaw"), [(0.1, 0.2), (0.3, -0.5)])
def test_a_room_whose_creases_are_drawn_scores_best_and_is_found(pitch, yaw):
    truth, turned = Room((0.8, 1.4, 1.1, 2.5)), rotation(pitch, 0, yaw)
    segments, axes = see_creases(truth, turned)
    rays = RAYS @ turned.T
    lines = LineField.of(rays, segments, axes)
    moved = parameters(truth) + np.concatenate([np.diag([s] * 4) for s in (0.35, -0.35)]) @ np.eye(4, 10)
    right = float(lines.scores(parameters(truth)[None])[0])
    visible = moved[[np.abs(room_of(x).cast(rays)[0] - truth.cast(rays)[0]).max() > 0.2 for x in moved]]
    assert len(visible) >= 4
    assert (lines.scores(visible) < right).all()
    room, score = fit_room(lines)
    assert score >= right
    assert np.abs(np.log(room.cast(rays)[0] / truth.cast(rays)[0])).mean() < 0.05


def test_the_score_of_the_fit_is_that_of_its_room():
    lines = LineField.of(RAYS, *see_creases(Room((0.8, 1.4, 1.1, 2.5)), np.eye(3)))
    room, score = fit_room(lines)
    assert lines.scores(parameters(room)[None])[0] == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize(("axis", "wrong"), [(0, 0), (1, 0), (2, 1)])
def test_a_line_toward_the_viewer_cannot_lie_on_a_wall_ahead(axis, wrong):
    """All of the picture shows the far wall, which has no crease: the score falls by the fraction of wrong lines."""
    wall = parameters(Room((9.0, 9.0, 9.0, 1.0)))[None]
    assert (Room((9.0, 9.0, 9.0, 1.0)).cast(RAYS)[1] == 4).all()
    drawn = LineField.of(RAYS, Segments(np.array([[[20.0, 20.0], [60.0, 40.0]]])), np.array([axis]))
    empty = LineField.of(RAYS, NONE, np.zeros(0, int))
    assert empty.scores(wall) - drawn.scores(wall) == pytest.approx(wrong)


def test_the_agreement_with_the_lines_is_that_of_the_room_that_is_cast():
    segments, axes = see_creases(Room((0.8, 1.4, 1.1, 2.5)), np.eye(3))
    lines = LineField.of(RAYS, segments, axes)
    seen = SURFACE_AXES[ROOM.cast(lines.rays_room)[1]]
    h, w = seen.shape
    wrong = np.take_along_axis(lines.wide, seen[..., None], -1).sum()
    creased = 0.0
    pairs = (seen[:-1], seen[1:], lines.crease[1:]), (seen[:, :-1], seen[:, 1:], lines.crease[:, 1:])
    for before, after, crease in pairs:
        along = np.take_along_axis(crease, (3 - before - after)[..., None] % 3, -1)[..., 0]
        creased += along[before != after].sum()
    closing = 1 / np.array([1.0, *ROOM.walls, *ROOM.fronts, *ROOM.tops])
    found = _agreement(lines.rays_room, lines.wide, lines.crease, closing, np.empty(w, np.int64))
    assert found == pytest.approx((wrong, creased / (h + w)))


def test_without_lines_the_room_is_the_usual_one_and_others_score_less_the_more_they_differ():
    none = LineField.of(RAYS, NONE, np.zeros(0, int))
    assert fit_room(none) == (USUAL_ROOM, 0.0)
    larger = parameters(USUAL_ROOM) + np.linspace(0, 1, 5)[:, None] * np.eye(10)[3]
    scores = none.scores(larger).tolist()
    assert scores == sorted(set(scores), reverse=True)
    bench = parameters(USUAL_ROOM) + np.array([0] * 4 + [0.3, 0, 0, 0.45, 0, 0])
    assert none.scores(bench[None])[0] == pytest.approx(-BENCH_COST), "a usual bench costs that it exists"
