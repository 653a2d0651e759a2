"""Every error that the tool plants still finds its place in the sources; that tests notice it is the tool's to say."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_planted_error_changes_the_renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    from plant_errors import ERRORS, ROOM, plant

    assert len({error.what for error in ERRORS}) == len(ERRORS)
    for error in ERRORS:
        shutil.copytree(ROOT / ROOM, tmp_path / ROOM, dirs_exist_ok=True)
        plant(error, tmp_path)
        assert (tmp_path / ROOM / error.file).read_text() != (ROOT / ROOM / error.file).read_text()
