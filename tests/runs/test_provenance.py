"""What a run says of the versions that it was made with."""

import subprocess
from pathlib import Path

import pytest

from vistadream.runs.provenance import environment
from vistadream.version import __version__

ROOT = Path(__file__).parents[2]


def commit(revision: str) -> str:
    words = ["git", "-C", str(ROOT), "rev-parse", f"{revision}^{{commit}}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_checkout_names_its_revision():
    if not (ROOT / ".git").exists():
        pytest.skip("the sources are not a git checkout")
    found = environment()
    assert commit(found["git_revision"].removesuffix("-dirty")) == commit("HEAD")
    assert found["vistadream"] == __version__
