"""A batch stands where its folder says, also in the middle of the listing, of an item, and without any worker."""

import pytest

from vistadream.batch.claim import Worker, sign
from vistadream.batch.index import opened
from vistadream.batch.items import Item
from vistadream.batch.status import Status, lines, status
from vistadream.batch.under_way import under_way
from vistadream.core import UserError


def seen(batch, now_s: float = 5000.0) -> Status:
    with opened(batch.folder) as index:
        return status(batch.folder, index, now_s)


def test_published_given_up_and_left_add_up_to_the_items(made_batch):
    for n in range(5):
        made_batch.publish(n, ended=1000.0 + 60 * n)
    made_batch.give_up(7, "it is no picture; wanted one")
    made_batch.plan(items=10)
    found = seen(made_batch)
    assert (found.published, found.given_up, found.left) == (5, 1, 4)
    assert found.images_an_hour == pytest.approx(60)
    assert found.left_s == pytest.approx(240)


@pytest.mark.parametrize("plan", ["", Item("id", ("a.jpg",), ()).line(), '["id", ["a.', '["of another version"]\n'])
def test_while_the_pictures_are_listed_nobody_knows_what_is_left(made_batch, plan):
    made_batch.publish(1)
    made_batch.folder.plan.write_text(plan)
    found = seen(made_batch)
    assert found.items is found.left is found.left_s is None
    assert "not known yet" in "\n".join(lines(made_batch.folder, found))


def test_the_rate_is_that_of_the_last_hour_before_the_last_result(made_batch):
    for n in range(4):
        made_batch.publish(n, ended=36_000.0 * n)
    for n in range(4, 7):
        made_batch.publish(n, ended=200_000.0 + 10 * n)
    assert seen(made_batch).images_an_hour == pytest.approx(360)


def test_claims_are_under_way_once_they_have_a_worker(made_batch):
    claim = made_batch.folder.attempt("abc-1", 2)
    claim.mkdir(parents=True)
    (made_batch.folder.work / "other").mkdir()
    assert list(under_way(made_batch.folder, 0.0)) == []
    sign(claim, Worker("cpu0-x", "here"))
    stamp = (claim / "claim.json").stat().st_mtime
    (found,) = under_way(made_batch.folder, stamp + 7)
    assert (found.id, found.attempt, found.worker, found.node) == ("abc-1", 2, "cpu0-x", "here")
    assert found.silent_s == pytest.approx(7, abs=0.1)
    (ahead,) = under_way(made_batch.folder, stamp - 600)
    assert ahead.silent_s == 0, "the clock of its machine may be ahead"


def test_sentences_that_differ_in_names_alone_are_one(made_batch):
    for n in range(3):
        made_batch.give_up(n, f"/photos/{n}.jpg has {n} pixels; wanted more", f"/photos/{n}.jpg")
    made_batch.give_up(9, "the disk is odd; wanted another", "/photos/9.jpg")
    assert [(each["count"], each["reason"]) for each in seen(made_batch).sentences] == [(3, "bad"), (1, "bad")]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"starts": []}', '{"starts": 3}'])
def test_a_folder_of_no_batch_is_refused_with_what_is_wanted(made_batch, content):
    made_batch.folder.batch_json.unlink()
    if content is not None:
        made_batch.folder.batch_json.write_text(content)
    with pytest.raises(UserError, match="wanted"):
        seen(made_batch)


def test_items_of_earlier_starts_are_not_left(made_batch):
    made_batch.plan(items=3)
    for n in (0, 50, 51):
        made_batch.publish(n)
    found = seen(made_batch)
    assert (found.published, found.left, found.items) == (3, 2, 5)


def test_a_damaged_item_is_named_with_the_way_on(made_batch):
    made_batch.plan(items=1)
    id = made_batch.publish(0)
    (made_batch.folder.item(id) / "item.json").write_text("{")
    found = seen(made_batch)
    assert (found.published, found.left, found.damaged) == (0, 0, [id])
    assert f"remove {made_batch.folder.item(id)}" in "\n".join(lines(made_batch.folder, found))


def test_a_hundred_thousand_items_are_counted_without_reading_any(made_batch, monkeypatch):
    with opened(made_batch.folder) as index:
        index._database.execute("begin")
        rows = ((f"{n:016x}-0", "a", 1.0) for n in range(100_000))
        index._database.executemany("insert into items (id, name, seconds) values (?, ?, ?)", rows)
        index._database.execute("commit")
        monkeypatch.setattr("vistadream.batch.index_rows.read_json", None)
        found = status(made_batch.folder, index, 0.0)
    assert found.published == 100_000
