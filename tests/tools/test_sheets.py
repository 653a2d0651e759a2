"""Sheets of a folder that is no run."""

import importlib
from pathlib import Path

import pytest

from vistadream.core import UserError

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.mark.parametrize("name", ["contact_sheet", "trajectory_sheet"])
def test_a_folder_without_a_finished_stage_is_one_sentence(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    tool = importlib.import_module(name)
    with pytest.raises(UserError, match="holds no finished stage; wanted a run's folder"):
        tool.draw(tool.Arguments(tmp_path, tmp_path / "sheet.png"))
    assert not list(tmp_path.iterdir())
