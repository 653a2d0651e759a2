"""The table of jobs: each state is left in one way, in every database alike."""

import itertools
import re
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from vistadream.core import UserError
from vistadream.service.queue.migrations import MIGRATIONS
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id


def added(store: Store, **about: object) -> JobRow:
    return store.add(JobRow(new_id(), **about))


def test_ids_sort_by_age_and_are_unguessable() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len({id[10:] for id in ids}) == 1000
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{26}", id) for id in ids)
    assert [id[:10] for id in ids] == sorted(id[:10] for id in ids)


def test_a_job_comes_back_as_it_was_added(store: Store) -> None:
    row = JobRow(new_id(), "multi_img", words=("seed=3", 'prompt="ä"'), owner="k1", priority=2, input_name="photo.jpg")
    kept = store.add(row)
    assert kept.created_s > 1.7e9
    assert store.get(row.id) == kept
    assert (kept.words, kept.state, kept.owner) == (row.words, "queued", "k1")
    assert store.get(new_id()) is None


def test_the_queue_goes_by_priority_and_then_by_age(store: Store) -> None:
    old, new, urgent = (added(store, priority=priority) for priority in (0, 0, 5))
    assert [store.place(job) for job in (old, new, urgent)] == [1, 2, 0]
    begun = []
    while job := store.next_queued():
        begun.append(store.begin(job.id, "w1"))
    assert [job.id for job in begun] == [urgent.id, old.id, new.id]
    assert {(job.state, job.attempt, job.worker) for job in begun} == {("running", 1, "w1")}
    assert store.place(store.get(old.id)) is None
    assert [job.id for job in store.running()] == [urgent.id, old.id, new.id]


@settings(max_examples=15)
@given(queue=st.lists(st.tuples(st.integers(-2, 2), st.booleans()), min_size=1, max_size=12))
def test_a_place_is_how_many_come_before_in_the_order_of_the_queue(tmp_path_factory, queue) -> None:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('data') / 'queue.db'}")
    rows = [added(store, priority=priority) for priority, _ in queue]
    for row, (_, is_begun) in zip(rows, queue, strict=True):
        if is_begun:
            store.begin(row.id)
    waiting = [row.id for row, (_, is_begun) in zip(rows, queue, strict=True) if not is_begun]
    order, job = [], None
    while job := store.next_queued(after=job):
        order.append(job.id)
    ranks = {row.id: (-row.priority, row.id) for row in rows}
    assert order == sorted(waiting, key=ranks.get)
    assert [store.place(store.get(id)) for id in order] == list(range(len(order)))
    store.close()


def test_a_place_follows_each_change_of_this_process_at_once(store: Store) -> None:
    first, second, third = (added(store) for _ in range(3))
    assert store.place(third) == 2
    store.begin(first.id)
    assert store.place(third) == 1
    urgent = added(store, priority=1)
    assert store.place(third) == 2
    store.ask_cancel(second.id)
    assert store.place(third) == 1
    store.remove(urgent.id)
    assert store.place(third) == 0
    store.requeue(second.id, ())
    assert store.place(third) == 1


def test_of_many_that_begin_a_job_one_gets_it(store: Store) -> None:
    for _ in range(5):
        job = added(store)
        barrier = threading.Barrier(4)

        def begin(worker: int, job: JobRow = job, barrier: threading.Barrier = barrier) -> JobRow | None:
            barrier.wait()
            return store.begin(job.id, str(worker))

        with ThreadPoolExecutor(4) as threads:
            got = [row for row in threads.map(begin, range(4)) if row]
        assert len(got) == 1
        assert store.get(job.id) == got[0]


def test_only_the_newest_attempt_finishes_and_only_once(store: Store) -> None:
    job = added(store)
    first = store.begin(job.id, "w1")
    second = store.take_over(first, "w2", deaths=1, stages_done=2)
    assert (second.attempt, second.deaths, second.stages_done, second.worker) == (2, 1, 2, "w2")
    assert second.started_s == first.started_s
    assert store.take_over(first, "w3", 1, 2) is None
    assert not store.finish(job.id, 1, "done")
    assert store.finish(job.id, 2, "done")
    assert not store.finish(job.id, 2, "failed", "late")
    done = store.get(job.id)
    assert (done.state, done.error) == ("done", None)
    assert done.finished_s >= done.started_s


def test_cancelling(store: Store) -> None:
    queued, running, done = added(store), added(store), added(store)
    store.begin(running.id)
    store.finish(done.id, store.begin(done.id).attempt, "done")
    assert store.ask_cancel(queued.id).state == "cancelled"
    assert not store.is_cancel_asked(running.id)
    asked = store.ask_cancel(running.id)
    assert (asked.state, asked.cancel_asked) == ("running", True)
    assert store.is_cancel_asked(running.id)
    assert store.ask_cancel(done.id).state == "done"
    assert store.ask_cancel(new_id()) is None


def test_an_ended_job_can_go_on_with_other_words(store: Store) -> None:
    job = added(store, words=("seed=1",))
    assert store.requeue(job.id, ["seed=2"]) is None
    store.finish(job.id, store.begin(job.id).attempt, "failed", "why", failures=2)
    again = store.requeue(job.id, ["seed=2"])
    assert (again.state, again.words, again.error, again.failures, again.attempt) == ("queued", ("seed=2",), None, 0, 1)
    assert store.begin(job.id).attempt == 2


def test_a_running_job_is_not_removed(store: Store) -> None:
    job = added(store)
    store.begin(job.id)
    assert not store.remove(job.id)
    store.finish(job.id, 1, "done")
    assert store.remove(job.id)
    assert store.get(job.id) is None


def test_one_job_for_each_key_of_an_owner(store: Store) -> None:
    first = added(store, owner="a", idempotency_key="k", body_digest="1")
    assert added(store, owner="a", idempotency_key="k", body_digest="2") == first
    assert added(store, owner="b", idempotency_key="k") != first
    assert added(store, owner="a").id != added(store, owner="a").id
    assert store.by_idempotency_key("a", "k") == first
    assert store.by_idempotency_key("a", "other") is None
    assert store.by_idempotency_key("a", None) is None


def test_pages_are_stable_while_jobs_come(store: Store) -> None:
    ids = sorted((f"{n:026d}" for n in range(10)), reverse=True)
    for id in ids:
        store.add(JobRow(id, owner="a" if int(id) % 2 else "b", input_name=f"x_{int(id)}%.jpg"))
    seen: list[str] = []
    for n in itertools.count():
        page = store.page(before=seen[-1] if seen else None, limit=4)
        store.add(JobRow(f"9{n:025d}"))
        if not page:
            break
        seen += [job.id for job in page]
    assert seen == ids
    assert {job.owner for job in store.page(owner="a")} == {"a"}
    assert [job.input_name for job in store.page(text="_3%")] == ["x_3%.jpg"]
    assert [job.id for job in store.page(text=ids[0])] == ids[:1]
    assert store.page(state="running") == []
    assert store.counts("a") == {"queued": 5}


def test_a_signal_is_kept_with_the_job_of_its_worker(store: Store) -> None:
    mine, other = added(store), added(store)
    store.begin(mine.id, "w1")
    store.begin(other.id, "w2")
    store.note_signal("w1", 9)
    assert [store.get(job.id).last_signal for job in (mine, other)] == [9, None]


def test_tables_of_an_earlier_version_are_brought_forward(url: str) -> None:
    job = added(Store(url))

    def add_note(connection: object) -> None:
        connection.execute(text("alter table jobs add column note varchar(10)"))

    later = Store(url, (*MIGRATIONS, add_note))
    with later.database.reading() as connection:
        assert connection.execute(text("select id, note from jobs")).all() == [(job.id, None)]
    Store(url, (*MIGRATIONS, add_note))  # a step is taken once
    known = len(MIGRATIONS)
    with pytest.raises(UserError, match=f"has version {known + 1} of the tables, and this program knows {known}"):
        Store(url)


def test_columns_are_added_to_a_table_of_an_earlier_version(url: str) -> None:
    columns = ("result_key", "scene_key", "cached_from")

    def without(connection: object) -> None:
        MIGRATIONS[0](connection)
        connection.execute(text("drop index of_result"))
        for column in columns:
            connection.execute(text(f"alter table jobs drop column {column}"))
        connection.execute(text("insert into jobs (id, kind, state, words, owner, priority, attempt, deaths, digest, "
            "input_name, created_s, cancel_asked, body_digest, failures, stages_done, worker) values "
            "('1', 'single_img', 'queued', '[]', '', 0, 0, 0, '', '', 0, false, '', 0, 0, '')"))  # fmt: skip

    Store(url, (without,)).close()
    job = Store(url).get("1")
    assert [getattr(job, column) for column in columns] == ["", "", None]


def test_several_processes_may_open_a_new_database_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(lambda _: Store(url), range(4)))
    added(stores[0])
    assert stores[3].counts() == {"queued": 1}


def test_sqlite_keeps_what_it_said_it_has(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'queue.db'}")
    with store.database.reading() as connection:
        pragmas = [connection.exec_driver_sql(f"pragma {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("sqlite:////nowhere/queue.db", "database /nowhere/queue.db|unable to open"),
        ("postgresql+psycopg://u:secret@127.0.0.1:1/x", "database 127.0.0.1:1/x: "),
        ("nonsense", "wanted sqlite:///FILE"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_sentence(url: str, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        Store(url)
    assert "secret" not in str(caught.value)


def test_what_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_bytes(b"not a database, but long enough to be read as one" * 10)
    with pytest.raises(UserError, match="file is not a database"):
        Store(f"sqlite:///{tmp_path / 'queue.db'}")


def test_ten_thousand_jobs_stay_quick(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'queue.db'}")
    with sqlite3.connect(tmp_path / "queue.db") as direct:
        columns = (
            "id, kind, state, words, owner, priority, attempt, deaths, digest, input_name, created_s, cancel_asked"
        )
        values = "'single_img', 'queued', '[]', 'a', 0, 0, 0, '', '', 1, 0, '', 0, 0, ''"
        direct.executemany(
            f"insert into jobs ({columns}, body_digest, failures, stages_done, worker) values (?, {values})",
            [(f"{n:026d}",) for n in range(10_000)],
        )
    plan = "explain query plan select * from jobs where state = 'queued' order by priority desc, id limit 1"
    with store.database.reading() as connection:
        assert "queue_order" in str(connection.exec_driver_sql(plan).all())
    assert store.place(store.get(f"{9_999:026d}")) == 9_999
    assert len(store.page(owner="a", before=f"{5_000:026d}")) == 100


def test_of_equal_jobs_one_is_run_and_the_next_when_that_failed(store: Store) -> None:
    first, second, other = (added(store, result_key=key) for key in ("k", "k", "l"))
    assert store.begin(second.id) is None, "the first of the queue has to be begun first"
    assert store.equal_under_way(second).id == first.id
    assert store.begin(first.id)
    assert store.next_queued().id == other.id, "the second waits for the result of the first"
    assert store.begin(second.id) is None
    store.finish(first.id, 1, "failed", "why")
    assert store.next_queued().id == second.id
    assert store.equal_under_way(second) is None
    assert store.begin(second.id)


def test_equal_jobs_with_a_result_are_listed_and_a_job_without_a_key_has_no_equal(store: Store) -> None:
    first, second = (added(store, result_key="k") for _ in range(2))
    loose = [added(store), added(store)]
    assert store.answered() == []
    store.finish(first.id, store.begin(first.id).attempt, "done")
    assert [job.id for job in store.answered()] == [second.id]
    assert all(store.begin(job.id) for job in loose)
    again = store.requeue(first.id, [])
    assert (again.result_key, again.cached_from) == ("", None)


def test_workers_that_begin_equal_jobs_at_the_same_moment_begin_one(store: Store) -> None:
    twins = [added(store, result_key="k", priority=n % 3) for n in range(12)]
    with ThreadPoolExecutor(8) as threads:
        begun = list(threads.map(lambda job: store.begin(job.id), twins * 3))
    assert sum(job is not None for job in begun) == 1
