"""Semi-global matching against its definition along a single path, and the vertex of the parabola."""

import numpy as np

from vistadream.ops.sweep.smoothing import JUMP_COST, STEP_COST, lowest_plane, smoothed_costs


def path_costs(costs: np.ndarray) -> np.ndarray:
    """Costs along one path "n d" by the definition, for a picture of one gray."""
    total = [costs[0]]
    for cost in costs[1:]:
        before, least = total[-1], total[-1].min()
        steps = np.abs(np.subtract.outer(np.arange(len(cost)), np.arange(len(cost))))
        change = np.where(steps == 0, 0, np.where(steps == 1, STEP_COST, JUMP_COST))
        total.append(cost + (before + change).min(1) - least)
    return np.stack(total)


def test_a_row_of_pixels_has_two_paths_and_six_that_begin_at_each_pixel():
    costs = np.random.default_rng(0).random((1, 9, 12), np.float32)
    forward, back = path_costs(costs[0]), path_costs(costs[0, ::-1])[::-1]
    expected = (forward + back + 6 * costs[0]) / 8
    assert np.abs(smoothed_costs(costs, np.zeros((1, 9), np.float32), 1)[0] - expected).max() < 1e-5


def test_a_pixel_without_texture_takes_the_depth_around_it():
    costs = np.ones((9, 9, 16), np.float32)
    costs[:, :, 5] = 0
    costs[4, 4] = 1
    costs[4, 4, 11] = 0.9
    place, _ = lowest_plane(smoothed_costs(costs, np.zeros((9, 9), np.float32), 1), 1)
    assert abs(place[4, 4] - 5) < 0.5


def test_an_edge_of_the_picture_lets_the_depth_jump():
    costs, gray = np.ones((5, 10, 16), np.float32), np.zeros((5, 10), np.float32)
    gray[:, 5:] = 1
    costs[:, :5, 3], costs[:, 5:, 12] = 0, 0.95
    sharp, _ = lowest_plane(smoothed_costs(costs, gray, 1), 1)
    blind, _ = lowest_plane(smoothed_costs(costs, np.zeros_like(gray), 1), 1)
    assert abs(sharp[2, 5] - 12) < 0.5
    assert abs(blind[2, 5] - 3) < 0.5


def test_the_vertex_of_a_parabola_is_found():
    planes = np.arange(16)
    costs = np.stack([0.1 * (planes - vertex) ** 2 for vertex in (3.3, 7.0, 11.45)]).astype(np.float32)[None]
    place, margin = lowest_plane(costs, 1)
    assert np.abs(place[0] - [3.3, 7.0, 11.45]).max() < 1e-4
    assert (margin > 0).all()
