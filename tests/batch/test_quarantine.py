"""How many attempts an item gets, and what is said of one that is given up."""

from pathlib import Path

import pytest

from vistadream.batch.folder import BatchFolder
from vistadream.batch.quarantine import Attempt, Patience, Quarantine, Verdict, verdict

ID = "ab12ab12ab12ab12-00000000"


def history(*states: str, **more: object) -> list[Attempt]:
    return [Attempt(n, "w", "here", "cpu", state, f"error {n}", **more) for n, state in enumerate(states, 1)]  # type: ignore


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        (["failed"], "bad"),
        (["broken"], None),
        (["broken", "full"], None),
        (["broken", "interrupted", "full", "broken"], "failed"),
        (["killed", "killed"], None),
        (["killed", "broken", "killed", "killed"], "deadly"),
        (["slow"], None),
        (["slow", "slow"], "slow"),
        (["broken", "broken", "interrupted"], None),
        (["interrupted"] * 9, None),
    ],
)
def test_attempts_that_are_enough(states: list[str], reason: str | None) -> None:
    found = verdict(history(*states), Patience())
    assert (found and found.reason) == reason


def test_deaths_count_from_the_last_finished_stage_on() -> None:
    deaths = [Attempt(n, "w", "here", "cpu", "killed", stages=n // 2) for n in range(8)]
    assert verdict(deaths, Patience(deaths=3)) is None
    stuck = [
        Attempt(n, "w", "here", "cpu", "killed", signal=9, stages=1, part="coarse", memory_gb=3.21) for n in range(3)
    ]
    found = verdict(stuck, Patience(deaths=3))
    assert "3 times, last by signal 9 in coarse with 3.2 GB" in found.sentence


def test_what_is_kept(tmp_path: Path) -> None:
    quarantine = Quarantine(BatchFolder(tmp_path))
    assert not quarantine.holds(ID)
    quarantine.put(ID, ["a.png"], Verdict("bad", "it is no picture"), history("failed"), "the log")
    assert quarantine.holds(ID)
    about = quarantine.read(ID)
    assert (about["reason"], about["sentence"], about["log"]) == ("bad", "it is no picture", "the log")
    assert about["attempts"][0]["error"] == "error 1"
    quarantine.release(ID)
    assert not quarantine.holds(ID)
