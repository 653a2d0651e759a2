"""Eyes: size, gray, masks, and the homography of a plane."""

import numpy as np
import torch

from vistadream.ops.sweep.eye import eye_of, homography


def test_a_photo_is_shrunk_with_its_camera_and_mask(textured_plane):
    view = textured_plane(count=1).views[0]
    view.lift[0, 0] = False
    eye = eye_of(view, 48)
    assert eye.gray.shape == (36, 48)
    assert (eye.camera.width, eye.camera.height) == (48, 36)
    assert abs(eye.gray.mean() - float(view.rgb.mean())) < 1e-3
    assert np.isnan(eye.matched).sum() == 1
    assert np.isnan(eye.matched[0, 0])


def test_a_photo_is_never_enlarged(textured_plane):
    view = textured_plane(count=1).views[0]
    assert eye_of(view, 1000).gray.shape == (72, 96)


def test_the_homography_of_a_plane_moves_pixels_as_the_cameras_do(textured_plane):
    views = textured_plane(count=2).views
    reference, source = (eye_of(view, 400) for view in views)
    H = homography(source, reference, 1 / 2.5)
    world = views[0].camera.unproject(torch.full((72, 96), 2.5))
    expected, _ = views[1].camera.project(world)
    column, row = np.meshgrid(np.arange(96) + 0.5, np.arange(72) + 0.5)
    moved = np.stack([column, row, np.ones_like(row)], -1) @ H.T
    assert np.abs(moved[..., :2] / moved[..., 2:] - expected.numpy()).max() < 1e-3
