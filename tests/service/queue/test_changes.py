"""The log of changes: each change of each job once, in the order in which they became true."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from vistadream.service.queue import changes as log
from vistadream.service.queue.changes import changes_after, kept_numbers
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id


def told(store: Store, after: int = 0, limit: int = 1000, owner: str | None = None) -> list[log.Change]:
    with store.database.reading() as connection:
        return changes_after(connection, after, limit, owner)


def test_a_job_from_its_beginning_to_its_end(store: Store) -> None:
    job = store.add(JobRow(new_id(), owner="a"))
    assert store.add(job) == job, "what changes nothing is not told"
    running = store.begin(job.id, "w")
    store.take_over(running, "v", 1, 0)
    store.finish(job.id, 1, "done")  # an old attempt changes nothing
    store.ask_cancel(job.id)
    store.finish(job.id, 2, "failed", "why")
    store.requeue(job.id, [])
    store.remove(job.id)
    expected = [("queued", 0), ("running", 1), ("running", 2), ("running", 2), ("failed", 2), ("queued", 2)]
    changes = told(store)
    assert [(each.state, each.attempt) for each in changes] == [*expected, ("deleted", 2)]
    assert [each.cancel_asked for each in changes] == [False, False, False, True, True, False, False]
    assert changes[4].error == "why"
    assert {(each.owner, each.job_id) for each in changes} == {("a", job.id)}
    numbers = [each.number for each in changes]
    assert numbers == sorted(set(numbers))
    assert told(store, numbers[2], limit=2) == changes[3:5]
    assert told(store, owner="b") == []
    with store.database.reading() as connection:
        assert kept_numbers(connection) == (numbers[0], numbers[-1])


def test_whoever_reads_on_misses_nothing_while_many_write(store: Store) -> None:
    with ThreadPoolExecutor(5) as threads:
        writers = [threads.submit(lambda: [store.add(JobRow(new_id())) for _ in range(20)]) for _ in range(4)]
        seen: list[str] = []
        number, done = 0, False
        while not done:
            done = all(writer.done() for writer in writers)
            while page := told(store, number, limit=7):
                seen += [each.job_id for each in page]
                number = page[-1].number
    assert len(seen) == 80
    assert set(seen) == {job.id for writer in writers for job in writer.result()}


def test_old_changes_are_forgotten_and_no_number_is_given_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        store.add(JobRow(new_id()))
    before = told(store)
    monkeypatch.setattr(log, "KEEP_S", -60.0)
    monkeypatch.setattr(log, "_FORGET_EVERY", 1)
    store.add(JobRow(new_id()))
    assert told(store) == []
    monkeypatch.undo()
    store.add(JobRow(new_id()))
    (newest,) = told(store)
    assert newest.number > before[-1].number + 1
