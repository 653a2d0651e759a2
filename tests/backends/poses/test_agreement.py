"""What is said about given poses that do not fit the pictures, on exact matches of known cameras."""

import pytest
import torch

from vistadream.backends.poses.agreement import agreement_of
from vistadream.backends.poses.matches import Matches, PairMatches

FLIP = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0]))


def matches_of(world, misread):
    """Matches of all neighbors, with a little noise; `misread` makes the poses of the Views of the true ones."""
    points = torch.rand(200, 3) * torch.tensor([4.0, 3.0, 4.0]) + torch.tensor([-2.0, -1.5, 3.5])
    px = [camera.project(points)[0] + 0.2 * torch.randn(200, 2) for camera in world.truth]
    pairs = tuple(PairMatches(i, i + 1, px[i], px[i + 1]) for i in range(5))
    return Matches(world.posed(lambda camera: camera.at(misread(camera.cam_from_world))), pairs)


def test_poses_that_fit_are_silent(world):
    agreement = agreement_of(matches_of(world, lambda pose: pose))
    assert agreement.error_px < 0.3
    assert agreement.remark is None


@pytest.mark.parametrize(
    ("misread", "cause"),
    [
        (torch.linalg.inv, "camera-to-world was taken for world-to-camera"),
        (lambda pose: FLIP @ pose, "OpenGL's axes were taken for OpenCV's"),
        (lambda pose: torch.linalg.inv(FLIP @ pose), "they fit when inverted, with y and z"),
        (lambda pose: torch.cat([pose[:, :3], pose[[1, 2, 0, 3], 3:]], 1), "another sensor's"),  # x, y, z mixed up
    ],
)
def test_the_cause_of_a_misfit_is_named(world, misread, cause):
    agreement = agreement_of(matches_of(world, misread))
    assert agreement.error_px > 0.75
    assert agreement.remark.level == "warning"
    assert cause in agreement.remark.text
    assert f"{agreement.error_px:.1f} px" in agreement.remark.text


def test_without_matches_or_motion_nothing_can_be_checked(world):
    for matches in (Matches(world.posed(), ()), matches_of(world, lambda pose: torch.eye(4))):
        agreement = agreement_of(matches)
        assert agreement.error_px is None
        assert "could not be checked" in agreement.remark.text
