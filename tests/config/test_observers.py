"""The list of observers, and the knobs of those that are on it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from vistadream.app import run
from vistadream.config import compose, of_the_replaced, reference
from vistadream.config.observers import observer_names
from vistadream.core import ObserverKnobs, UserError

SMALL = ("max_resolution=64", "stage=no-outpaint", "stages.initialize.steps=1", "export=[]")


def observers(*words: str) -> dict:
    return compose(words).build_each("observers")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["console", "events", "rerun"]),
        (["observers=[events,rerun]", "rerun.mode=save"], ["events", "rerun"]),
        (["observers=[]"], []),
        (["observers=console"], ["console"]),
        (["observers=[console]", "rerun.mode=off"], ["console"]),
        (["observers=[console]", "observers=[events]", "observers.events.pictures_every_s=1"], ["events"]),
    ],
)
def test_the_list_names_the_observers_and_later_words_prevail(words: list[str], names: list[str]) -> None:
    built = observers(*words)
    assert list(built) == names
    assert all(isinstance(knobs, ObserverKnobs) for knobs in built.values())
    assert set(built) <= set(observer_names())


def test_knobs_reach_their_observer() -> None:
    built = observers("rerun.mode=save", "rerun.port=5", "observers.events.pictures_every_s=0.5")
    assert (built["rerun"].mode, built["rerun"].port, built["events"].pictures_every_s) == ("save", 5, 0.5)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["observers=[rerum]"], r"rerum is not an observer; wanted some of console, events, rerun; did you mean rerun"),
        (["observers=null"], "is not a list of observers; wanted some of"),
        (["observers=console,rerun"], "is not a list of observers"),
        (["observers=[[rerun]]"], "is not an observer"),
        (["observers=[console]", "rerun.port=5"], r"is a knob of rerun, which observers=\[console\] does not name"),
        (["observers=[rerun]", "observers.events.pictures_every_s=1"], "is a knob of events"),
        (["observers.event.pictures_every_s=1"], r"did you mean observers\.events\.pictures_every_s"),
        (["observers.events.pictures_every_s=-1"], "wanted 0 or more"),
        (["rerun.mode=on"], r"^rerun\.mode: got 'on'; wanted one of auto, spawn"),
        (["observers.rerun=null"], r"observers\.rerun: got None; wanted its knobs"),
        (["+observers.mine._target_=os.getcwd"], "is not a knob"),
        (["rerun._target_=os.getcwd"], "is not part of VistaDream"),
    ],
)
def test_what_is_not_possible_is_one_sentence(words: list[str], match: str) -> None:
    with pytest.raises(UserError, match=match):
        observers(*words)


@pytest.mark.parametrize(
    ("saved", "new", "left_out"),
    [
        (["rerun.port=5", "seed=1"], ["observers=[console]"], ["rerun.port=5"]),
        (["rerun.port=5", "observers=[rerun]"], [], []),
        (["rerun.port=5"], ["rerun.mode=save"], []),
    ],
)
def test_saved_knobs_of_observers_that_are_taken_off_the_list_are_left_out(
    saved: Sequence[str], new: Sequence[str], left_out: Sequence[str]
) -> None:
    assert of_the_replaced(saved, new) == left_out
    assert compose([word for word in saved if word not in left_out] + [*new])


def test_a_run_has_the_observers_of_its_list(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    made = run([*SMALL, "observers=[]", f"out={tmp_path}"])
    assert capsys.readouterr().out == ""
    assert not (made.folder / "events.jsonl").exists()
    assert "initialize" in (made.folder / "run.log").read_text()
    made = run([f"resume={made.folder}", "observers=[events]"])
    assert (made.folder / "events.jsonl").stat().st_size > 0


def test_help_names_every_observer_and_its_knobs() -> None:
    text = reference()
    for name in observer_names():
        assert f"\n{name}:" in text or f"observers.{name}.*:" in text
    assert "pictures_every_s: 5" in text
    assert "_target_" not in text
