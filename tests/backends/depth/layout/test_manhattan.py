"""The attitude and focal length of a camera that sees lines along three axes."""

import math

import numpy as np
import pytest

from vistadream.backends.depth.layout.lines import Segments
from vistadream.backends.depth.layout.manhattan import Votes, find_manhattan, rotation

K = np.array([[400.0, 0, 320], [0, 400, 240], [0, 0, 1]])


def see_lines(K: np.ndarray, room_from_cam: np.ndarray, outliers: int = 0) -> Segments:
    """Random segments along the room's axes in front of the camera, with half a pixel of noise, and random ones."""
    rng = np.random.default_rng(0)
    middles = rng.uniform([-1, -1, 2], [1, 1, 4], (120, 3))
    along = np.eye(3)[np.arange(120) % 3] @ room_from_cam
    ends = np.stack([middles - 0.3 * along, middles + 0.3 * along], 1) @ K.T
    ends_px = ends[..., :2] / ends[..., 2:] + rng.normal(0, 0.5, (120, 2, 2))
    noise = rng.uniform(0, 480, (outliers, 2, 2))
    return Segments(np.concatenate([ends_px, noise]))


@pytest.mark.parametrize(("pitch", "roll", "yaw"), [(0, 0, 0), (25, -8, -30), (-12, 4, 20), (40, 0, 44)])
def test_the_attitude_is_found_among_clutter(pitch, roll, yaw):
    truth = rotation(*np.radians([pitch, roll, yaw]))
    segments = see_lines(K, truth, outliers=30)
    found = find_manhattan(Votes.of(segments, K), focal_known=True)
    turned = math.degrees(math.acos(min(1, (np.trace(found.room_from_cam @ truth.T) - 1) / 2)))
    assert turned < 1.0
    assert found.zoom == 1


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
