"""What takes too long is stopped, what straggles is helped with, and a bad place gets nothing any more."""

from pathlib import Path

import pytest

from vistadream.batch.claim import Worker
from vistadream.batch.folder import BatchFolder
from vistadream.batch.marks import Places, straggles, why_to_stop
from vistadream.batch.overseer import Overseer


class Watched:
    """An overseer with a clock of its own, and attempts that a test begins and ends."""

    def __init__(self, folder: BatchFolder, **more: object):
        self.folder, self.now_s = folder, 0.0
        self.overseer = Overseer(folder, now_s=lambda: self.now_s, **more)  # type: ignore[arg-type]

    def event(self, event: str, id: str, node: str = "here", **more: object) -> None:
        who = {"worker": f"{node}-w", "node": node, "device": "cpu"}
        self.overseer.add([{"event": event, "id": id, "attempt": 1, **who, **more}])

    def begin(self, id: str, size_px: int = 100, node: str = "here") -> Path:
        claim = self.folder.attempt(id, 1)
        claim.mkdir(parents=True, exist_ok=True)
        self.event("began", id, node, size_px=size_px)
        return claim

    def done(self, id: str, seconds: float, size_px: int = 100, node: str = "here") -> None:
        self.begin(id, size_px, node)
        self.event("ended", id, node, state="done", seconds=seconds)
        self.event("published", id, node)

    def fail(self, id: str, node: str) -> None:
        self.begin(id, node=node)
        self.event("ended", id, node, state="broken", seconds=1.0)

    def at(self, seconds: float, is_all_taken: bool = False) -> list[str]:
        self.now_s = seconds
        return self.overseer.look(is_all_taken)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(BatchFolder(tmp_path))


def test_what_takes_ten_times_as_long_is_stopped(watched: Watched) -> None:
    claim = watched.begin("slow")
    assert watched.at(1e6) == [], "nothing is known of times yet"
    for n in range(20):
        watched.done(f"{n}", seconds=100)
    claim = watched.begin("other")
    assert watched.at(1e6 + 999) != [], "the first one"
    assert why_to_stop(claim) is None
    assert watched.overseer.overdue_workers() == set()
    said = watched.at(1e6 + 1001)
    assert said == ["other is stopped on here-w: it took over 1000 s"]
    assert "over 1000 s" in why_to_stop(claim)
    assert watched.at(1e6 + 1002) == []
    watched.at(1e6 + 1020)
    assert watched.overseer.overdue_workers() == {"here-w"}


def test_a_short_item_gets_ten_minutes(watched: Watched) -> None:
    for n in range(20):
        watched.done(f"{n}", seconds=1)
    claim = watched.begin("slow")
    watched.at(599)
    assert why_to_stop(claim) is None
    watched.at(601)
    assert why_to_stop(claim)


def test_a_given_time_counts(tmp_path: Path) -> None:
    watched = Watched(BatchFolder(tmp_path), timeout_s=5)
    claim = watched.begin("slow")
    watched.at(6)
    assert why_to_stop(claim)


def test_a_straggler_is_helped_with_when_nothing_else_is_left(watched: Watched) -> None:
    for n in range(4):
        watched.done(f"small{n}", seconds=20, size_px=100)
        watched.done(f"large{n}", seconds=200, size_px=10_000)
    small, large = watched.begin("small", 100), watched.begin("large", 10_000)
    watched.at(61)
    assert not straggles(small), "there is other work"
    watched.at(61, is_all_taken=True)
    assert straggles(small)
    assert not straggles(large), "large pictures take longer"


def test_a_place_where_items_fail_that_pass_elsewhere_is_drained(watched: Watched) -> None:
    there, here = Worker("x", "there", "cpu"), Worker("y", "here", "cpu")
    for n in range(3):
        watched.fail(f"{n}", "there")
    assert watched.at(1) == []
    for n in range(2):
        watched.done(f"{n}", 1.0)
    assert watched.at(1) == []
    watched.done("2", 1.0)
    assert watched.at(1) == ["cpu of there gets nothing any more: 3 items failed there that passed elsewhere"]
    places = Places(watched.folder)
    assert places.is_drained(there)
    assert not places.is_drained(here)
    places.forget()
    assert not places.is_drained(there)


def test_items_that_fail_everywhere_drain_nothing(watched: Watched) -> None:
    for n in range(5):
        watched.fail(f"{n}", "here")
        watched.fail(f"{n}", "there")
    assert watched.at(1) == []


def test_the_last_place_is_never_drained(watched: Watched) -> None:
    for n in range(3):
        watched.fail(f"a{n}", "there")
        watched.fail(f"b{n}", "here")
        watched.done(f"a{n}", 1.0, node="here")
        watched.done(f"b{n}", 1.0, node="there")
    assert len(watched.at(1)) == 1
