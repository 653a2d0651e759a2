"""The attitude and focal length of a camera that sees lines along three axes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.manhattan import TOLERANCE_DEG, Manhattan, Votes, find_manhattan, rotation

K = np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]])


def see_lines(K: np.ndarray, room_from_cam: np.ndarray, outliers: int = 0, noise_px: float = 0.5) -> Segments:
    """Random segments along the room's axes in front of the camera, with noise, and random ones."""
    rng = np.random.default_rng(0)
    middles = rng.uniform([-1, -1, 2], [1, 1, 4], (120, 3))
    along = np.eye(3)[np.arange(120) % 3] @ room_from_cam
    ends = np.stack([middles - 0.3 * along, middles + 0.3 * along], 1) @ K.T
    ends_px = ends[..., :2] / ends[..., 2:] + rng.normal(0, noise_px, (120, 2, 2))
    noise = rng.uniform(0, 480, (outliers, 2, 2))
    return Segments(np.concatenate([ends_px, noise]))


@pytest.mark.parametrize(("pitch", "roll", "yaw"), [(0, 0, 0), (25, -8, -30), (-12, 4, 20), (40, 0, 44)])
def test_the_attitude_is_found_among_clutter(pitch, roll, yaw):
    truth = rotation(*np.radians([pitch, roll, yaw]))
    votes = Votes.of(see_lines(K, truth, outliers=30), K)
    found = find_manhattan(votes, focal_known=True)
    turned = math.degrees(math.acos(min(1, (np.trace(found.room_from_cam @ truth.T) - 1) / 2)))
    assert turned < 1.0
    assert found.zoom == 1
    assert 0.9 * votes.weights[:120].sum() < found.support < 1, "the clutter follows no axis, except by chance"


@pytest.mark.parametrize("focal_px", [320.0, 400.0, 500.0])
def test_the_focal_length_follows_from_two_finite_vanishing_points(focal_px):
    seen = see_lines(
        np.diag([focal_px / 400, focal_px / 400, 1]) @ (K - [[0, 0, 320], [0, 0, 240], [0, 0, 0]])
        + [[0, 0, 320], [0, 0, 240], [0, 0, 0]],
        rotation(0.3, 0, 0.6),
    )
    found = find_manhattan(Votes.of(seen, K), focal_known=False)
    assert found.zoom * 400 == pytest.approx(focal_px, rel=0.05)


def test_without_lines_the_camera_is_level_and_its_focal_length_as_guessed():
    found = find_manhattan(Votes.of(Segments(np.zeros((0, 2, 2))), K), focal_known=False)
    assert np.allclose(found.room_from_cam, np.eye(3))
    assert (found.zoom, found.support) == (1, 0)


def test_each_segment_is_given_its_own_axis():
    truth = rotation(0.4, 0.05, 0.5)
    segments = see_lines(K, truth)
    votes = Votes.of(segments, K)
    right = votes.axis(find_manhattan(votes, focal_known=True)) == np.arange(120) % 3
    assert right.mean() > 0.9


def test_a_segment_toward_no_vanishing_point_has_no_axis():
    level = Manhattan(np.eye(3), 1.0, 0.0)
    middle = np.array([420.0, 340.0])  # the vanishing point of the view direction is at (320, 240)
    turned = np.radians([0, 90, 45, 45 + 1.5 * TOLERANCE_DEG, 45 + 4 * TOLERANCE_DEG, -45])
    along = 20 * np.stack([np.cos(turned), np.sin(turned)], -1)
    ends_px = np.stack([middle - along, middle + along], 1)
    assert Votes.of(Segments(ends_px), K).axis(level).tolist() == [0, 1, 2, 2, -1, -1]


ANGLES = st.tuples(st.floats(-0.8, 0.8), st.floats(-0.3, 0.3), st.floats(-0.7, 0.7), st.floats(-0.3, 0.3))


@given(ANGLES)
def test_the_support_of_a_pose_is_the_share_of_length_that_points_at_its_vanishing_points(pose):
    segments = see_lines(K, rotation(0.3, 0.1, 0.4), outliers=30)
    middles, along = segments.ends_px.mean(1), segments.ends_px[:, 1] - segments.ends_px[:, 0]
    K_zoomed = K * [[math.exp(pose[3]), 1, 1], [1, math.exp(pose[3]), 1], [1, 1, 1]]
    expected = []
    for axis in rotation(*pose[:3]):
        x, y, w = K_zoomed @ axis
        to_x, to_y = x - w * middles[:, 0], y - w * middles[:, 1]  # toward the vanishing point or away from it
        cosine = np.abs(to_x * along[:, 0] + to_y * along[:, 1]) / np.hypot(to_x, to_y) / np.hypot(*along.T)
        sine = np.sqrt(np.maximum(1 - cosine**2, 0)) / math.sin(math.radians(TOLERANCE_DEG))
        expected.append(np.exp(-0.5 * sine**2))
    support = Votes.of(segments, K).supports(np.array([pose]))
    assert support == pytest.approx(np.average(np.max(expected, 0), weights=segments.lengths_px), abs=1e-6)


def test_the_true_pose_has_full_support_also_when_left_and_ahead_are_exchanged():
    votes = Votes.of(see_lines(K, rotation(0.2, 0.1, 0.5), noise_px=0), K)
    quarter = math.pi / 2
    poses = np.array([[0.2, 0.1, 0.5, 0], [0.2, 0.1, 0.5 + quarter, 0], [0.2, 0.1, 0.5 - quarter, 0], [0.2, 0.1, 0, 0]])
    supports = votes.supports(poses)
    assert supports[:3] == pytest.approx(1)
    assert supports[3] < 0.6


def test_poses_are_compared_together_as_one_by_one():
    votes = Votes.of(see_lines(K, rotation(0.2, 0.1, 0.5), outliers=30), K)
    poses = np.random.default_rng(1).uniform(-0.5, 0.5, (20, 4))
    together = votes.supports(poses)
    assert np.array_equal(together, [votes.supports(pose[None])[0] for pose in poses])
    assert (together > 0).all()
    assert (together < 1).all()
    none = Votes.of(Segments(np.zeros((0, 2, 2))), K)
    assert np.array_equal(none.supports(poses), np.zeros(20))
