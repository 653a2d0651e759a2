"""The sample is what it says it is: a picture, the camera that took it, and the depth that this camera saw."""

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.assets import sample_camera, sample_depth, sample_image
from vistadream.formats.picture import read_picture
from vistadream.ops.image.pixels import focal_px_from_35mm


def test_picture_depth_and_camera_are_of_one_size() -> None:
    camera = sample_camera()
    with Image.open(sample_image()) as picture, Image.open(sample_depth()) as depth:
        assert picture.size == depth.size == (camera.width, camera.height)
        assert (picture.mode, depth.mode) == ("RGB", "I;16")


def test_exif_tells_the_focal_length() -> None:
    picture, facts = read_picture(sample_image())
    assert focal_px_from_35mm(facts.focal_35mm_mm, *picture.size) == pytest.approx(sample_camera().fx)


def test_flat_surfaces_unproject_to_planes() -> None:
    """The ceiling's and the accent wall's pixels lie in one plane each, a right angle apart: camera and depth agree."""
    z = torch.from_numpy(np.asarray(Image.open(sample_depth())).astype(np.float32)) / 1000
    points = sample_camera().unproject(z)
    normals = []
    for rows, columns in ((slice(0, 60), slice(350, 600)), (slice(130, 170), slice(460, 660))):
        patch = points[rows, columns].reshape(-1, 3).double()
        centered = patch - patch.mean(dim=0)
        normal = torch.linalg.svd(centered, full_matrices=False).Vh[2]
        assert (centered @ normal).abs().max() < 1.5e-3
        normals.append(normal)
    assert abs(normals[0] @ normals[1]) < 2e-3


def test_it_is_small_enough_to_travel_in_the_wheel() -> None:
    assert sample_image().stat().st_size < 700_000
    assert sample_depth().stat().st_size < 100_000
