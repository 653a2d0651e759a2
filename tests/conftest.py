"""What every test shares: checked shapes on core and ops, a fixed seed, and the real inputs where they are at hand."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Before anything imports the package: from here on each call into these floors checks its shapes and types.
install_import_hook(["vistadream.core", "vistadream.ops"], "beartype.beartype")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Each test starts from the same random state, whatever ran before it."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photographs and posed frames that VISTADREAM_TEST_DATA names."""
    folder = os.environ.get("VISTADREAM_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("VISTADREAM_TEST_DATA names no folder of real inputs")
    return Path(folder)
