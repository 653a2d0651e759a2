"""Workers on one plan: each item is done once, an attempt that fails is followed by others, and no item is lost."""

import errno
import json
import threading
from pathlib import Path

import pytest

from vistadream.batch import queue as module
from vistadream.batch.claim import Worker
from vistadream.batch.events import EventReader
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item
from vistadream.batch.marks import Places, ask_to_stop, mark_straggler
from vistadream.batch.plan import Counted, PlanWriter
from vistadream.batch.quarantine import Quarantine
from vistadream.batch.queue import DiskQueue
from vistadream.batch.storage import LocalStorage
from vistadream.workers.queue import Outcome, Task

ITEMS = [Item(f"{n:016x}-00000000", (f"/photos/{n}.jpg",), ("seed=1",), 100) for n in range(4)]


@pytest.fixture
def folder(tmp_path: Path) -> BatchFolder:
    folder = BatchFolder(tmp_path)
    folder.work.mkdir()
    folder.items.mkdir()
    folder.batch_json.write_text("{}")
    planned(folder, ITEMS)
    return folder


def planned(folder: BatchFolder, items: list[Item], is_whole: bool = True) -> PlanWriter:
    plan = PlanWriter(folder.plan)
    for item in items:
        plan.add(item)
    if is_whole:
        plan.end(Counted(len(items)))
    return plan


@pytest.fixture(autouse=True)
def outcomes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Outcome]:
    """In the place of runs: an item is published, or ends as the test says."""
    ends: dict[str, Outcome] = {}

    def work_on(item: Item, attempt: int, folder: BatchFolder, storage: LocalStorage, *rest: object) -> Outcome:
        if found := ends.get(item.id):
            return found
        ready = folder.attempt(item.id, attempt) / "ready"
        ready.mkdir()
        (ready / "item.json").write_text(json.dumps({"id": item.id, "attempt": attempt}))
        storage.publish(item.id, ready)
        return Outcome("done")

    monkeypatch.setattr(module, "work_on", work_on)
    return ends


def worker(folder: BatchFolder, name: str = "a", node: str = "here", **more: object) -> DiskQueue:
    return DiskQueue(folder, LocalStorage(folder.root), Worker(name, node, "cpu"), **more)  # type: ignore[arg-type]


def one(queue: DiskQueue) -> str | None:
    """Does one item, and says which."""
    if (task := queue.take("", fresh=True)) is None:
        return None
    queue.settle(task, queue.work(task, lambda: False))
    return task.id


def all_of(queue: DiskQueue) -> list[str]:
    return list(iter(lambda: one(queue), None))


def test_each_item_is_done_once(folder: BatchFolder) -> None:
    done: list[str] = []
    threads = [threading.Thread(target=lambda n=n: done.extend(all_of(worker(folder, f"w{n}")))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [item.id for item in ITEMS]
    assert worker(folder, "driver").is_over()
    assert list(folder.work.iterdir()) == []
    assert len(list(folder.items.glob("*/*/item.json"))) == 4


def test_a_plan_is_worked_on_while_it_is_written(folder: BatchFolder) -> None:
    queue = worker(folder)
    plan = planned(folder, ITEMS[:1], is_whole=False)
    plan._stream.flush()
    assert all_of(queue) == [ITEMS[0].id]
    assert not queue.is_over()
    plan.add(ITEMS[1])
    plan.end(Counted(2))
    assert all_of(queue) == [ITEMS[1].id]
    assert queue.is_over()
    assert queue.counted == Counted(2)


def test_bad_input_is_put_aside_at_once(folder: BatchFolder, outcomes: dict) -> None:
    outcomes[ITEMS[1].id] = Outcome("failed", "it is no picture")
    assert len(all_of(worker(folder))) == 4
    about = Quarantine(folder).read(ITEMS[1].id)
    assert (about["reason"], about["sentence"], len(about["attempts"])) == ("bad", "it is no picture", 1)
    assert worker(folder).is_over()
    assert list(folder.work.iterdir()) == []


def test_an_error_of_the_program_gets_two_more_attempts(folder: BatchFolder, outcomes: dict) -> None:
    outcomes[ITEMS[0].id] = Outcome("broken", "a fault")
    assert sorted(all_of(worker(folder))).count(ITEMS[0].id) == 3
    assert Quarantine(folder).read(ITEMS[0].id)["reason"] == "failed"


def test_what_was_interrupted_goes_on_and_counts_nothing(folder: BatchFolder, outcomes: dict) -> None:
    outcomes[ITEMS[0].id] = Outcome("interrupted")
    queue = worker(folder)
    assert [one(queue) for _ in range(5)] == [ITEMS[0].id] * 5
    del outcomes[ITEMS[0].id]
    assert len(all_of(queue)) == 4
    assert not Quarantine(folder).holds(ITEMS[0].id)


def test_a_worker_that_died_three_times_takes_the_item_with_it(folder: BatchFolder) -> None:
    for n in range(3):
        dead = worker(folder, f"dead{n}")
        task = dead.take("", fresh=True)
        assert task.id == ITEMS[0].id
        dead._has.claim.lock.close()  # as the end of its process does
        worker(folder, "driver").worker_died(f"dead{n}", 9)
    assert sorted(all_of(worker(folder))) == [item.id for item in ITEMS[1:]]
    about = Quarantine(folder).read(ITEMS[0].id)
    assert about["reason"] == "deadly"
    assert [attempt["signal"] for attempt in about["attempts"]] == [9, 9, 9]
    killed = [event for event in EventReader(folder).new() if event["event"] == "killed"]
    assert [(event["of"], event["signal"]) for event in killed] == [("dead0", 9), ("dead1", 9), ("dead2", 9)]


def test_a_dead_worker_that_nobody_announced_is_noticed(folder: BatchFolder) -> None:
    dead = worker(folder, "dead")
    first = dead.take("", fresh=True)
    dead._has.claim.lock.close()
    assert all_of(worker(folder)) == [*(item.id for item in ITEMS[1:]), first.id], "those that nobody began come first"


def test_what_was_published_meanwhile_is_left(folder: BatchFolder) -> None:
    """A worker died between publishing and letting go: nothing is done again, and the sweep clears up."""
    dead = worker(folder, "dead")
    task = dead.take("", fresh=True)
    dead.work(task, lambda: False)
    dead._has.claim.lock.close()
    assert sorted(all_of(worker(folder))) == [item.id for item in ITEMS[1:]]
    driver = worker(folder, "driver")
    driver.sweep()
    driver.sweep()
    assert list(folder.work.iterdir()) == []


def test_a_worker_that_lost_its_item_changes_nothing(folder: BatchFolder) -> None:
    zombie = worker(folder, "zombie")
    task = zombie.take("", fresh=True)
    zombie._has.claim.lock.close()
    heir = worker(folder, "heir")
    while (got := heir.take("", fresh=True)).id != task.id:
        heir.settle(got, heir.work(got, lambda: False))
    zombie.settle(task, Outcome("failed", "its folder is gone", errno.ENOENT))
    assert not Quarantine(folder).holds(task.id)
    heir.settle(got, heir.work(got, lambda: False))
    assert worker(folder).is_over()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ESTALE, errno.EROFS])
def test_a_disk_in_trouble_is_waited_for(folder: BatchFolder, outcomes: dict, number: int) -> None:
    outcomes[ITEMS[0].id] = Outcome("failed", "the disk", number)
    queue = worker(folder)
    assert one(queue) == ITEMS[0].id
    assert one(queue) is None, "nothing is begun for a while"
    assert "error of the disk" in queue.troubles.now()
    assert not Quarantine(folder).holds(ITEMS[0].id)
    outcomes.clear()
    assert len(all_of(worker(folder))) == 4, "no attempt was counted"


def test_a_share_that_is_gone_is_waited_for(folder: BatchFolder, tmp_path: Path) -> None:
    queue = worker(folder)
    task = queue.take("", fresh=True)
    away = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}_away"))
    assert "cannot be reached" in queue.troubles.now()
    queue.settle(task, Outcome("failed", "no such folder", errno.ENOENT))
    assert queue.take("", fresh=True) is None
    assert not queue.is_over()
    assert not tmp_path.exists(), "nothing is made in its place"
    away.rename(tmp_path)
    queue._has = None
    assert len(all_of(worker(folder, "b"))) >= 3


def test_a_disk_with_little_room_begins_nothing(folder: BatchFolder) -> None:
    queue = worker(folder, min_free_gb=1e9)
    assert queue.take("", fresh=True) is None
    assert "GB are free" in queue.troubles.now()


def test_only_what_was_taken_is_settled(folder: BatchFolder) -> None:
    with pytest.raises(RuntimeError, match="is not what this worker has taken"):
        worker(folder).settle(Task("x", 1, "single_img", (), folder.root), Outcome("done"))


def test_another_node_gets_what_failed_here(folder: BatchFolder, outcomes: dict) -> None:
    planned(folder, ITEMS[:1])
    outcomes[ITEMS[0].id] = Outcome("broken", "a fault")
    here, there = worker(folder, "a"), worker(folder, "b", node="there")
    here.arrive()
    there.arrive()
    assert one(here) == ITEMS[0].id
    assert one(here) is None, "the other node comes first"
    assert one(there) == ITEMS[0].id
    for _ in range(30):
        one(here)
    assert Quarantine(folder).read(ITEMS[0].id)["reason"] == "failed", "nobody waits for the others for ever"


def test_one_node_alone_waits_for_nobody(folder: BatchFolder, outcomes: dict) -> None:
    outcomes[ITEMS[0].id] = Outcome("broken", "a fault")
    here = worker(folder)
    here.arrive()
    assert [one(here), one(here)] == [ITEMS[0].id] * 2


def test_an_attempt_that_takes_too_long_is_tried_once_more(folder: BatchFolder) -> None:
    for n in range(2):
        queue = worker(folder, f"w{n}")
        task = queue.take("", fresh=True)
        assert task.id == ITEMS[0].id
        ask_to_stop(queue._has.claim.folder, "it took over 9 s")
        queue.settle(task, Outcome("cancelled"))
    about = Quarantine(folder).read(ITEMS[0].id)
    assert (about["reason"], about["sentence"]) == ("slow", "it took over 9 s")


def test_a_straggler_is_published_once(folder: BatchFolder) -> None:
    slow, quick = worker(folder, "slow"), worker(folder, "quick")
    task = slow.take("", fresh=True)
    assert len(all_of(quick)) == 3
    assert quick.is_all_taken()
    assert not list(quick.straggling())
    mark_straggler(slow._has.claim.folder)
    assert [item.id for item in quick.straggling()] == [task.id]
    assert one(quick) == task.id
    assert one(quick) is None
    slow.settle(task, slow.work(task, lambda: False))
    published = [event["id"] for event in EventReader(folder).new() if event["event"] == "published"]
    assert published.count(task.id) == 1, "the winner alone says so"
    assert len(list(folder.items.glob("*/*/item.json"))) == 4
    assert list(folder.work.iterdir()) == []


def test_a_drained_place_takes_nothing(folder: BatchFolder) -> None:
    Places(folder).drain("here", "cpu", "it is bad")
    assert one(worker(folder)) is None
    assert one(worker(folder, "b", node="there")) is not None


def test_nothing_is_all_taken_before_the_end_of_the_plan(folder: BatchFolder) -> None:
    planned(folder, [], is_whole=False)
    assert not worker(folder).is_all_taken()
