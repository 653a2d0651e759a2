"""What a run says of the versions that it was made with."""

import subprocess
from pathlib import Path

import pytest

from vistadream.runs.provenance import environment
from vistadream.version import __version__

ROOT = Path(__file__).parents[2]


def test_a_checkout_names_its_revision():
    if not (ROOT / ".git").exists():
        pytest.skip("the sources are not a git checkout")
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    found = environment()
    assert head.stdout.startswith(found["git_revision"].removesuffix("-dirty").rpartition("-g")[2])
    assert found["vistadream"] == __version__
