"""Of many that want an item one has it, and whoever lost it writes into nothing."""

import json
import threading
from pathlib import Path

import pytest

from vistadream.batch import claim as module
from vistadream.batch.claim import Worker, owner_of, run_folder
from vistadream.batch.claims import Claims
from vistadream.batch.folder import BatchFolder
from vistadream.batch.history import history_of, note
from vistadream.batch.quarantine import Attempt

ID = "ab12ab12ab12ab12-00000000"


@pytest.fixture
def folder(tmp_path: Path) -> BatchFolder:
    (tmp_path / "batch.json").write_text("{}")
    (tmp_path / "work").mkdir()
    return BatchFolder(tmp_path)


def of(folder: BatchFolder, name: str, node: str = "here", **more: object) -> Claims:
    return Claims(folder, Worker(name, node), **more)  # type: ignore[arg-type]


def ended(state: str = "interrupted", number: int = 1) -> Attempt:
    return Attempt(number, "a", "here", "cpu", state)


def test_of_many_one_has_the_item(folder: BatchFolder) -> None:
    got: list[object] = []
    start = threading.Barrier(16)

    def want(n: int) -> None:
        claims = of(folder, f"w{n}")
        start.wait()
        got.append(claims.take(ID, claims.there().get(ID, ())))

    threads = [threading.Thread(target=want, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in got) == 1
    assert of(folder, "x").there() == {ID: [1]}


def test_of_many_heirs_one_takes_over(folder: BatchFolder) -> None:
    first = of(folder, "a")
    first.settle(first.take(ID), ended())
    got: list[object] = []
    threads = [threading.Thread(target=lambda n=n: got.append(of(folder, f"w{n}").take(ID, [1]))) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in got) == 1
    assert of(folder, "x").there() == {ID: [2]}


def test_what_is_worked_on_is_not_to_be_had(folder: BatchFolder) -> None:
    claim = of(folder, "a").take(ID)
    assert claim is not None
    assert of(folder, "b").take(ID, [1]) is None
    assert of(folder, "far", node="there", now_s=iter([0.0, 100.0, 200.0]).__next__).take(ID, [1]) is None


def test_the_heir_has_what_was_finished(folder: BatchFolder) -> None:
    first = of(folder, "a")
    claim = first.take(ID)
    claim.run.mkdir(parents=True)
    (claim.run / "part").write_text("finished")
    first.settle(claim, ended())
    heir = of(folder, "b").take(ID, [1])
    assert heir.number == 2
    assert (heir.run / "part").read_text() == "finished"
    assert [each.state for each in history_of(heir.folder)] == ["interrupted"]
    assert owner_of(heir.folder)["name"] == "b"


def test_a_dead_worker_of_this_node_is_known_at_once(folder: BatchFolder) -> None:
    claim = of(folder, "a").take(ID)
    claim.lock.close()  # as the end of its process does
    heir = of(folder, "b").take(ID, [1])
    assert heir is not None
    assert [(each.state, each.worker) for each in history_of(heir.folder)] == [("killed", "a")]


def test_a_silent_worker_of_another_node_is_dead_after_a_while(folder: BatchFolder) -> None:
    claim = of(folder, "a", node="there").take(ID)
    times = iter([0.0, 119.0, 121.0])
    watcher = of(folder, "b", now_s=lambda: next(times))
    assert watcher.take(ID, [1]) is None, "it was seen for the first time"
    assert watcher.take(ID, [1]) is None
    assert watcher.take(ID, [1]) is not None
    assert not of(folder, "a", node="there").holds(claim)


def test_a_sign_of_life_keeps_an_item_whatever_the_clocks_say(folder: BatchFolder) -> None:
    import os

    theirs = of(folder, "a", node="there")
    claim = theirs.take(ID)
    os.utime(module.beat_file(claim.folder, 1), (1, 1))  # a clock that is decades behind
    times = iter([0.0, 200.0, 300.0])
    watcher = of(folder, "b", now_s=lambda: next(times))
    assert watcher.take(ID, [1]) is None
    os.utime(module.beat_file(claim.folder, 1), (2, 2))
    assert watcher.take(ID, [1]) is None, "it is alive: the sign has changed"


def test_a_fenced_worker_writes_into_nothing(folder: BatchFolder) -> None:
    zombies = of(folder, "a")
    zombie = zombies.take(ID)
    zombie.run.mkdir(parents=True)
    (zombie.run / "run.log").write_text("one\n")
    with (zombie.run / "run.log").open("a") as log:
        zombie.lock.close()
        heir = of(folder, "b").take(ID, [1])
        log.write("from the dead\n")
    assert (heir.run / "run.log").read_text() == "one\n"
    with pytest.raises(FileNotFoundError):
        (zombie.run / "new").write_text("")
    assert not zombies.holds(zombie)
    zombies.drop(zombie)
    assert not zombie.beat()
    zombies.settle(zombie, ended())
    assert heir.folder.is_dir()
    assert [each.state for each in history_of(heir.folder)] == ["killed"]


def test_a_disk_that_is_away_fences_nobody(folder: BatchFolder, tmp_path: Path) -> None:
    mine = of(folder, "a")
    claim = mine.take(ID)
    tmp_path.rename(tmp_path.with_name("away"))
    assert mine.holds(claim)


def test_a_dead_worker_is_buried_with_its_signal(folder: BatchFolder) -> None:
    claim = of(folder, "a").take(ID)
    claim.lock.close()
    of(folder, "driver").bury("a", 9)
    heir = of(folder, "b").take(ID, [1])
    assert [(each.state, each.signal) for each in history_of(heir.folder)] == [("killed", 9)]


def test_a_claim_of_a_later_number_wins(folder: BatchFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever saw no claim, and comes after one was made and taken over, finds the newer one."""
    first = of(folder, "a")
    first.settle(first.take(ID), ended())
    of(folder, "b").take(ID, [1])
    assert of(folder, "late").begin(ID, 1) is None
    assert of(folder, "x").there() == {ID: [2]}


def test_lines_that_are_not_whole_are_left_out(folder: BatchFolder) -> None:
    claim = of(folder, "a").take(ID)
    note(claim.folder, ended("broken"))
    with (claim.folder / "history.jsonl").open("a") as stream:
        stream.write('{"number": 2, "wor\n' + json.dumps({"odd": 1}) + "\n")
    assert [each.state for each in history_of(claim.folder)] == ["broken"]
    assert run_folder(claim.folder, ID) == claim.run
