"""A picture through a bending lens becomes the one that a pinhole would have taken."""

import numpy as np
import pytest
import torch

from vistadream.core import Camera, UserError
from vistadream.ops.image.distortion import Distortion, bent, unbent
from vistadream.sources.shot import Shot
from vistadream.sources.undistort import _straightening, undistorted

WIDTH, HEIGHT = 160, 120
POSE = torch.tensor([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])
CAMERA = Camera(torch.tensor([[110.0, 0, 82], [0, 108, 57], [0, 0, 1]]), POSE, WIDTH, HEIGHT)
LENSES = {
    "barrel": Distortion("radial_tangential", (-0.25, 0.05, 0.002, -0.003)),
    "pincushion": Distortion("radial_tangential", (0.25,)),
    "fisheye": Distortion("fisheye", (0.03, -0.01)),
}
EACH = pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)


def shot(lens: Distortion | None) -> Shot:
    def unread():
        raise AssertionError("the picture is given")

    return Shot("a.png", unread, CAMERA, True, lens)


def rays_of(lens: Distortion) -> np.ndarray:
    """The ray (x, y) of each pixel of the bent picture, "h w 2"."""
    u, v = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    points = np.column_stack([(u.ravel() - CAMERA.cx) / CAMERA.fx, (v.ravel() - CAMERA.cy) / CAMERA.fy])
    return unbent(points, lens).reshape(HEIGHT, WIDTH, 2)


def checker(rays: np.ndarray) -> np.ndarray:
    """A smooth checker on the plane z = 1, other in each channel."""
    x, y = np.moveaxis(rays, -1, 0)
    waves = [np.sin(9 * x) * np.sin(8 * y), np.sin(8 * x + 1), np.cos(9 * y)]
    return np.round(127.5 + 120 * np.stack(waves, -1)).astype(np.uint8)


@EACH
def test_a_bent_checker_comes_back_straight(lens: Distortion) -> None:
    camera, picture, _, _ = undistorted(shot(lens), checker(rays_of(lens)), None, None)
    wanted = checker(camera.rays()[..., :2].double().numpy())
    assert picture.shape == wanted.shape == (camera.height, camera.width, 3)
    error = np.abs(picture.astype(float) - wanted)
    assert error.mean() < 1.5
    assert error.max() < 12  # half a pixel off would be 40
    assert torch.equal(camera.cam_from_world, POSE)


@EACH
def test_a_straight_line_in_the_world_is_straight_afterwards(lens: Distortion) -> None:
    def edge(rays: np.ndarray) -> np.ndarray:
        """Bright to the right of the line x = 0.3 + 0.2 y, over about three pixels."""
        levels = 255 / (1 + np.exp(-60 * (rays[..., 0] - 0.3 - 0.2 * rays[..., 1])))
        return np.repeat(np.round(levels)[..., None], 3, -1).astype(np.uint8)

    def bow(levels: np.ndarray) -> float:
        """How far the edge is from a straight line, in pixels, over the rows in which it is seen."""
        rows = levels[..., 0].astype(float) / 255
        places = rows.shape[1] - rows.sum(1)
        at = np.arange(len(places))
        line = np.polynomial.Polynomial.fit(at, places, 1)
        return float(np.abs(places - line(at)).max())

    before = edge(rays_of(lens))
    after = undistorted(shot(lens), before, None, None)[1]
    assert bow(before) > 0.6
    assert bow(after) < 0.12


@EACH
def test_masks_and_depth_move_with_the_picture_and_are_not_mixed(lens: Distortion) -> None:
    rays = rays_of(lens)
    plane = (3 / (1 - 0.2 * rays[..., 0])).astype(np.float32)  # z of the plane z = 3 + 0.2 x
    plane[: HEIGHT // 2] = 0  # unknown
    mask = plane > 0
    camera, _, straight_mask, depth = undistorted(shot(lens), checker(rays), mask, plane)
    assert set(np.unique(depth)) <= set(np.unique(plane))
    assert np.array_equal(straight_mask, depth > 0)
    wanted = 3 / (1 - 0.2 * camera.rays()[..., 0].double().numpy())
    np.testing.assert_allclose(depth[straight_mask], wanted[straight_mask], rtol=0.003)


def test_a_pinhole_stays_as_it_is() -> None:
    picture = checker(rays_of(Distortion("radial_tangential", ())))
    depth, mask = np.ones((HEIGHT, WIDTH), np.float32), np.ones((HEIGHT, WIDTH), bool)
    same = undistorted(shot(None), picture, mask, depth)
    assert all(a is b for a, b in zip(same, (CAMERA, picture, mask, depth), strict=True))
    camera, levels, _, _ = undistorted(shot(Distortion("radial_tangential", (0.0, 0.0))), picture, None, None)
    torch.testing.assert_close(camera.K, CAMERA.K)
    assert np.array_equal(levels, picture)


def test_a_distortion_that_folds_over_is_refused_by_the_name_of_the_picture() -> None:
    bad = Distortion("radial_tangential", (-0.9,))
    assert bent(np.array([[0.6, 0.0]]), bad)[0, 0] > bent(np.array([[0.8, 0.0]]), bad)[0, 0]
    with pytest.raises(UserError, match=r"a\.png: its lens distortion folds over within the picture \(beyond 0.4"):
        undistorted(shot(bad), np.zeros((HEIGHT, WIDTH, 3), np.uint8), None, None)


def test_one_lens_is_worked_out_once() -> None:
    _straightening.cache_clear()
    for _ in range(3):
        undistorted(shot(LENSES["barrel"]), np.zeros((HEIGHT, WIDTH, 3), np.uint8), None, None)
    assert (_straightening.cache_info().misses, _straightening.cache_info().hits) == (1, 2)
