"""`vistadream worker` from the command line: its help, its knobs, and what it says to wrong ones."""

import sys

import pytest

from vistadream.commands.main import main


def test_help_names_every_knob(capsys: pytest.CaptureFixture) -> None:
    assert main(["worker", "--help"]) == 0
    said = capsys.readouterr().out
    for knob in ("data", "database_env", "jobs", "rss_gb", "idle_unload_s", "min_free_gb", "deaths", "name", "parent"):
        assert f"\n{knob}: " in said


def test_the_configuration_is_printed_with_the_words(capsys: pytest.CaptureFixture) -> None:
    assert main(["worker", "--cfg", "jobs=3"]) == 0
    assert "jobs: 3\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["job=3"], "did you mean jobs?"),
        (["jobs=0"], "jobs: got 0; wanted 1 or more"),
        (["jobs=many"], "jobs"),
        (["data=/proc/nowhere"], "data=/proc/nowhere"),
        (["database_env=NOWHERE", "data={tmp}"], "database_env=NOWHERE: there is no such environment variable"),
        (["database_env=HOME", "data={tmp}"], "wanted sqlite:///FILE"),
    ],
)
def test_wrong_words_get_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture, tmp_path: object
) -> None:
    assert main(["worker", *(word.format(tmp=tmp_path) for word in words)]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert said in error[0]


def test_without_the_extra_the_sentence_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    for module in [name for name in sys.modules if name.startswith(("vistadream.service", "sqlalchemy"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    assert main(["worker", "data=x"]) == 2
    assert "pip install 'vistadream[serve]'" in capsys.readouterr().err
