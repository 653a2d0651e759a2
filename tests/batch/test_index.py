"""The index says what the disk says, after each change, and whatever becomes of its file."""

import os
import shutil
import sqlite3

import pytest

from vistadream.batch.index import Index, opened


def published(folder) -> list[str]:
    with opened(folder) as index:
        return [row["id"] for row in index.rows("select id from items order by id")]


def test_items_come_and_go_with_their_folders(made_batch):
    ids = sorted(made_batch.publish(n) for n in range(40))
    assert published(made_batch.folder) == ids
    new = made_batch.publish(99)
    gone = made_batch.folder.item(ids[3])
    (gone / "item.json").unlink()
    gone.rmdir()
    assert published(made_batch.folder) == sorted({*ids, new} - {ids[3]})


def test_folders_that_are_gone_as_a_whole_are_forgotten(made_batch):
    made_batch.publish(1)
    made_batch.give_up(2, "no; wanted another")
    with opened(made_batch.folder) as index:
        assert index.value("select count(*) from given_up") == 1
    shutil.rmtree(made_batch.folder.items)
    shutil.rmtree(made_batch.folder.quarantine)
    with opened(made_batch.folder) as index:
        assert index.rows("select id from items union all select id from given_up") == []


def test_what_is_as_it_was_is_not_read_again(made_batch, monkeypatch):
    for n in range(10):
        made_batch.publish(n)
    for shard in made_batch.folder.items.iterdir():
        os.utime(shard, (1000, 1000))
    before = published(made_batch.folder)
    monkeypatch.setattr(os, "listdir", None)
    assert published(made_batch.folder) == before


def test_a_folder_that_was_changed_just_now_is_read_once_more(made_batch):
    first = made_batch.publish(1)
    shard = made_batch.folder.item(first).parent
    stamp = shard.stat().st_mtime_ns
    assert published(made_batch.folder) == [first]
    second = f"{first[:2]}{made_batch.id(2)[2:]}"
    made_batch.folder.item(first).rename(shard / second)
    os.utime(shard, ns=(stamp, stamp))
    assert published(made_batch.folder) == [second]


@pytest.mark.parametrize("damage", ["nothing", "garbage", "half", "other tables", "other version"])
def test_an_index_that_is_gone_or_damaged_is_made_again(made_batch, damage):
    ids = sorted(made_batch.publish(n) for n in range(5))
    assert published(made_batch.folder) == ids
    file = made_batch.folder.index
    if damage == "nothing":
        file.unlink()
    elif damage == "garbage":
        file.write_bytes(b"garbage" * 1000)
    elif damage == "half":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        file.unlink()
        with sqlite3.connect(file) as database:
            database.execute("create table items (other text)")
            database.execute(f"pragma user_version = {1 if damage == 'other tables' else 99}")
        database.close()
    assert published(made_batch.folder) == ids


def test_where_no_file_can_be_written_the_answer_is_the_same(made_batch, monkeypatch):
    ids = sorted(made_batch.publish(n) for n in range(3))
    connect = sqlite3.connect

    def read_only(file, **how):
        return connect(file if file == ":memory:" else f"file:{file}?mode=ro", uri=file != ":memory:", **how)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert published(made_batch.folder) == ids
    assert not made_batch.folder.index.exists()


def test_a_damaged_item_is_not_counted_and_stops_nothing(made_batch):
    whole, damaged = made_batch.publish(1), made_batch.publish(2)
    (made_batch.folder.item(damaged) / "item.json").write_text("{")
    assert published(made_batch.folder) == [whole]


def test_a_damaged_file_in_quarantine_still_counts_as_given_up(made_batch):
    id = made_batch.give_up(1, "no; wanted another")
    made_batch.folder.quarantined(id).write_text("{")
    with opened(made_batch.folder) as index:
        assert index.rows("select id, reason from given_up") == [{"id": id, "reason": "unknown"}]


def test_the_quarantine_and_the_attempts_are_there_too(made_batch):
    bad = made_batch.give_up(1, "it is no picture; wanted one")
    made_batch.attempt(bad, 1.0, 2.0, "failed")
    made_batch.attempt("x", 3.0, 5.0, "killed", signal=9)
    with opened(made_batch.folder) as index:
        assert index.rows("select id, reason from given_up") == [{"id": bad, "reason": "bad"}]
        rows = index.rows("select id, began, ended, state, signal from attempts order by began")
    assert [tuple(row.values()) for row in rows] == [(bad, 1.0, 2.0, "failed", None), ("x", 3.0, 5.0, "killed", 9)]


def test_a_death_that_the_heir_alone_noticed_ends_the_attempt_once(made_batch):
    after = {"number": 1, "worker": "cpu0-a", "state": "killed", "at_s": 4.0}
    made_batch.add("cpu0-a", event="began", at_s=1.0, id="x", attempt=1)
    made_batch.add("cpu1-b", event="began", at_s=90.0, id="x", attempt=2, after=after)
    made_batch.attempt("y", 1.0, 3.0, "killed")
    made_batch.add("cpu1-b", event="began", at_s=95.0, id="y", attempt=2, after=after)
    with opened(made_batch.folder) as index:
        rows = index.rows("select id, ended from attempts where number = 1 order by id")
    assert rows == [{"id": "x", "ended": 4.0}, {"id": "y", "ended": 3.0}]


def test_lines_of_another_version_are_passed_over(made_batch):
    made_batch.add("cpu0-a", event="began", at_s=1.0)
    made_batch.add("cpu0-a", event="ended", at_s=1.0, id="x", attempt=1)
    with opened(made_batch.folder) as index:
        assert index.rows("select * from attempts where state is not null") == []


def test_an_event_is_counted_once_however_often_it_is_asked(made_batch):
    with Index(made_batch.folder) as index:
        for ended in (2.0, 3.0):
            made_batch.attempt("x", 1.0, ended, "done")
            index.refresh()
            index.refresh()
        assert index.rows("select began, ended from attempts") == [{"began": 1.0, "ended": 3.0}]
