"""The network: its tensors are the published ones, and it computes what the authors' code does."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from tests.backends.splats.sharp import reference

from vistadream.backends.splats.sharp.network import SharpNetwork
from vistadream.backends.splats.sharp.plan import Plan
from vistadream.backends.splats.sharp.predict import in_world
from vistadream.core import Camera
from vistadream.ops.gaussians.rotation import rotations_from_quats
from vistadream.ops.image.linear_rgb import linear_from_srgb

PUBLISHED = Path(__file__).parents[1] / "sharp_tensors.json"


def test_its_tensors_are_the_published_ones_in_name_and_shape():
    with torch.device("meta"):
        ours = {name: list(tensor.shape) for name, tensor in SharpNetwork().state_dict().items()}
    assert ours == json.loads(PUBLISHED.read_text())


@pytest.mark.skipif(reference.FOLDER is None, reason="VISTADREAM_SHARP_REFERENCE names no folder with sharp and timm")
def test_it_computes_what_the_code_of_the_authors_computes():
    torch.manual_seed(0)
    with reference.imported():
        theirs = reference.network()
        for tensor in theirs.state_dict().values():
            tensor.copy_(0.15 * torch.randn_like(tensor) if tensor.dim() > 1 else 0.3 * torch.rand_like(tensor))
        ours = SharpNetwork(reference.SIZES)
        ours.load_state_dict(theirs.state_dict())
        picture = torch.rand(3, reference.SIZES.picture_px, reference.SIZES.picture_px)
        with torch.no_grad():
            wanted = theirs(picture[None], torch.tensor([0.8]))
        found = ours.predict(picture, 0.8, Plan())
        assert_alike(found.gaussians, wanted)
        camera = Camera.from_focal(512.0, 640, 400)
        wanted = unprojected(wanted, camera)
    placed = in_world(found.gaussians, camera)
    assert_alike(placed, wanted, linear_from_srgb(placed.colors))


def assert_alike(ours, theirs, colors=None):
    """Both axes and their signs may differ, so that rotations are compared by the covariances."""
    assert min(float(ours.opacities.std()), float(ours.means[:, 2].std() / ours.means[:, 2].mean())) > 0.01
    torch.testing.assert_close(ours.means, theirs.mean_vectors[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.colors if colors is None else colors, theirs.colors[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.opacities, theirs.opacities[0], rtol=1e-4, atol=1e-4)
    scales, wanted = (scales.sort(-1).values for scales in (ours.scales, theirs.singular_values[0]))
    torch.testing.assert_close(scales, wanted, rtol=1e-3, atol=1e-6)
    a, b = covariances(ours.quats_wxyz, ours.scales), covariances(theirs.quaternions[0], theirs.singular_values[0])
    assert float(((a - b).norm(dim=(1, 2)) / b.norm(dim=(1, 2))).max()) < 2e-3


def covariances(quats, scales):
    root = rotations_from_quats(quats) * scales[:, None]
    return root @ root.transpose(1, 2)


def unprojected(gaussians, camera):
    """The authors' own way to meters, with the camera stretched to their picture."""
    side = reference.SIZES.picture_px
    K = torch.eye(4)
    K[:3, :3] = camera.resize(side, side).K
    theirs = importlib.import_module("sharp.utils.gaussians")
    return theirs.unproject_gaussians(gaussians, torch.eye(4), K, (side, side))
