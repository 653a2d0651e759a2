"""What is kept from one process to the next is made anew after any change of what it was made from."""

import json
from pathlib import Path

import pytest

from vistadream.config import kept as module
from vistadream.config.kept import kept
from vistadream.config.knob_schema import derived_knobs, outside_knobs


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache, and a program of one file with one file of configuration."""
    program = tmp_path / "program"
    (program / "conf").mkdir(parents=True)
    (program / "code.py").write_text("x = 1")
    (program / "conf" / "a.yaml").write_text("x: 1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_files", lambda: sorted(path for path in program.rglob("*") if path.is_file()))
    module._fingerprint.cache_clear()
    yield tmp_path
    module._fingerprint.cache_clear()


def made_by(made: list, value: object = "made"):
    return lambda: made.append(1) or {"value": value}


def anew(made: list) -> bool:
    """Whether the next process makes the value."""
    module._fingerprint.cache_clear()
    before = len(made)
    assert kept("name", made_by(made)) == {"value": "made"}
    return len(made) > before


def test_it_is_made_once_and_anew_after_any_change(home: Path) -> None:
    made: list = []
    assert anew(made)
    assert not anew(made)
    for changed, text in (("code.py", "x = 2"), ("conf/a.yaml", "x: 2"), ("conf/b.yaml", ""), ("code.py", "x = 3")):
        (home / "program" / changed).write_text(text)
        assert anew(made)
        assert not anew(made)
    (home / "program" / "conf" / "b.yaml").rename(home / "program" / "conf" / "c.yaml")
    assert anew(made)


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff"])
def test_a_broken_file_is_made_anew(home: Path, broken: bytes) -> None:
    made: list = []
    anew(made)
    (file,) = (home / "cache" / "vistadream" / "derived").iterdir()
    file.write_bytes(broken)
    assert anew(made)
    assert json.loads(file.read_text()) == {"value": "made"}


def test_a_cache_that_cannot_be_written_is_no_failure(home: Path) -> None:
    (home / "cache").write_text("no folder")
    made: list = []
    assert anew(made)
    assert anew(made)


def test_few_versions_are_kept(home: Path) -> None:
    for number in range(20):
        (home / "program" / "code.py").write_text(f"x = {number}")
        anew([])
    assert len(list((home / "cache" / "vistadream" / "derived").iterdir())) == 8
    assert not anew([1])


def test_what_is_kept_of_the_knobs_is_what_is_derived() -> None:
    assert outside_knobs("single_img") == derived_knobs("single_img")
