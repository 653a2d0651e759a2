"""The lens models are those of their formulas; unbending undoes bending; a pinhole shows only what the lens saw."""

import numpy as np
import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st

from vistadream.core import Camera
from vistadream.ops.image.distortion import (
    WIDEST,
    Distortion,
    bent,
    distortion_of,
    pinhole_within,
    straightening,
    unbent,
)

CAMERA = Camera(torch.tensor([[100.0, 0, 66], [0, 98, 45], [0, 0, 1]]), torch.eye(4), 128, 96)


def by_formula(points: np.ndarray, distortion: Distortion) -> np.ndarray:
    """As OpenCV documents its two models."""
    (x, y), c = points.T, list(distortion.coefficients) + [0.0] * 8
    r = np.hypot(x, y)
    if distortion.kind == "fisheye":
        angle = np.arctan(r)
        bent_angle = angle * (1 + c[0] * angle**2 + c[1] * angle**4 + c[2] * angle**6 + c[3] * angle**8)
        return points * np.where(r > 0, bent_angle / np.where(r > 0, r, 1), 1)[:, None]
    k1, k2, p1, p2, k3, k4, k5, k6 = c[:8]
    ratio = (1 + k1 * r**2 + k2 * r**4 + k3 * r**6) / (1 + k4 * r**2 + k5 * r**4 + k6 * r**6)
    return np.column_stack(
        [
            x * ratio + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2),
            y * ratio + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y,
        ]
    )


LENSES = {
    "barrel": Distortion("radial_tangential", (-0.25, 0.05)),
    "pincushion": Distortion("radial_tangential", (0.2,)),
    "tangential": Distortion("radial_tangential", (-0.1, 0.02, 0.01, -0.008)),
    "rational": Distortion("radial_tangential", (0.3, 0.02, 0.001, 0.002, 0.01, 0.5, 0.05, 0.002)),
    "fisheye": Distortion("fisheye", (0.03, -0.01, 0.002, -0.001)),
    "equidistant": Distortion("fisheye", ()),
}
EACH = pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)


@EACH
def test_bending_is_that_of_the_formula(lens: Distortion) -> None:
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (200, 2))
    np.testing.assert_allclose(bent(points, lens), by_formula(points, lens), atol=1e-12)


@EACH
def test_unbending_undoes_bending(lens: Distortion) -> None:
    points = np.random.default_rng(1).uniform(-0.6, 0.6, (200, 2))
    np.testing.assert_allclose(unbent(by_formula(points, lens), lens), points, atol=1e-5)


def test_nothing_is_bent_by_a_lens_without_coefficients() -> None:
    assert distortion_of("radial_tangential", (0, 0.0, 0)) is None
    assert distortion_of("fisheye", (0, 0, 0, 0)) is not None
    assert distortion_of("radial_tangential", (0, 0, 0, 0.1)) == Distortion("radial_tangential", (0, 0, 0, 0.1))


@EACH
def test_each_pixel_of_the_pinhole_shows_the_pixel_on_its_ray(lens: Distortion) -> None:
    pinhole = pinhole_within(CAMERA, lens)
    x, y = straightening(CAMERA, lens, pinhole)
    rays = pinhole.rays().double().reshape(-1, 3)[:, :2].numpy()
    focal, center = np.array([100.0, 98.0]), np.array([66.0, 45.0])
    wanted = by_formula(rays, lens) * focal + center - 0.5  # OpenCV counts the first pixel's center at 0
    np.testing.assert_allclose(np.stack([x, y], -1).reshape(-1, 2), wanted, atol=1e-3)


@given(st.floats(-0.28, 0.4), st.floats(-0.03, 0.03), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_the_pinhole_shows_only_what_the_lens_saw_and_little_less(k1: float, k2: float, p1: float, p2: float) -> None:
    lens = Distortion("radial_tangential", (k1, k2, p1, p2))
    try:
        pinhole = pinhole_within(CAMERA, lens)
    except ValueError:
        reject()
    x, y = straightening(CAMERA, lens, pinhole)
    slack = 0.15
    assert min(x.min(), y.min()) > -0.5 - slack
    assert x.max() < 127.5 + slack
    assert y.max() < 95.5 + slack
    touched = (x.min() < 1.5, y.min() < 1.5, x.max() > 125.5, y.max() > 93.5)
    assert all(touched), "it could be larger"
    assert (pinhole.fx, pinhole.fy) == (CAMERA.fx, CAMERA.fy)


def test_a_wide_fisheye_is_cut_at_sixty_degrees() -> None:
    camera = Camera.from_focal(40.0, 128, 128)
    pinhole = pinhole_within(camera, Distortion("fisheye", (0.0, 0.0, 0.0, 0.0)))
    assert pinhole.width == pinhole.height == int(2 * WIDEST * 40)
    assert pinhole.cx == pytest.approx(pinhole.width / 2)


@pytest.mark.parametrize("lens", [Distortion("radial_tangential", (-0.9,)), Distortion("fisheye", (-0.9, 0.0))])
def test_what_folds_over_within_the_picture_is_refused(lens: Distortion) -> None:
    """r (1 - 0.9 r^2) grows up to r = 0.609, where it is 0.406; the corner lies at 0.85."""
    with pytest.raises(ValueError, match=r"beyond 0\.4\d* focal lengths"):
        pinhole_within(CAMERA, lens)
    narrow = Camera.from_focal(400.0, 128, 96)
    assert pinhole_within(narrow, lens).width > 100
