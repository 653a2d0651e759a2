"""Resuming composes the old words with the new ones."""

import json
from pathlib import Path

import pytest

from vistadream.app import run
from vistadream.core import UserError

SMALL = ("max_resolution=64", "stages.initialize.steps=1", "rerun.mode=off", "export.videos=[]")


def test_a_resumed_run_takes_new_words_for_old_ones(tmp_path: Path) -> None:
    first = run([*SMALL, "stage=no-outpaint", "trajectory=spiral", f"out={tmp_path}"])
    again = run([f"+resume={first.folder}", "trajectory=swing", "seed=3"])
    assert again.folder == first.folder
    facts = json.loads((first.folder / "run.json").read_text())
    assert facts["seed"] == 3
    assert "trajectory=swing" in facts["overrides"]
    assert "trajectory=spiral" not in facts["overrides"]
    assert "Swing" in (first.folder / "config.yaml").read_text()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UserError, match="not a run folder"):
        run([f"resume={tmp_path}"])
