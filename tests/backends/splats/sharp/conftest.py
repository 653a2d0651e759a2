"""The file of a small network, which is taken for the published one."""

import pytest
import torch
from tests.backends.splats.sharp.tiny import TINY, random_network

from vistadream.backends.splats.sharp import load
from vistadream.backends.weights.residence import resident


@pytest.fixture(scope="package")
def weights(tmp_path_factory):
    """To be read only."""
    file = tmp_path_factory.mktemp("sharp") / "sharp_2572gikvuh.pt"
    torch.save(dict(random_network().state_dict()), file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "PUBLISHED", TINY)
        yield file
    resident.release()


@pytest.fixture
def copy(weights, tmp_path):
    """One to be changed."""
    file = tmp_path / weights.name
    file.write_bytes(weights.read_bytes())
    return file
