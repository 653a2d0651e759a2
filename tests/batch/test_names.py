"""Every name of a picture stands in the files of its item, the one that is listed now first."""

import json

import pytest

from vistadream.batch.index import opened
from vistadream.batch.items import Item
from vistadream.batch.names import Names
from vistadream.batch.storage import LocalStorage


@pytest.fixture
def names(made_batch) -> Names:
    return Names(made_batch.folder, LocalStorage(made_batch.folder.root))


def item(batch, number: int, name: str) -> Item:
    return Item(batch.id(number), (name,), ())


def known(batch) -> list[list[str]]:
    """The names by the index, which are those of the files."""
    with opened(batch.folder) as index:
        by_index = [json.loads(each) for each in index.column("select names from items order by ended")]
        shown = list(index.column("select name from items order by ended"))
    files = [json.loads(file.read_text()) for file in batch.folder.items.glob("*/*/item.json")]
    assert sorted(by_index) == sorted(about["names"] for about in files)
    assert shown == [each[0] for each in by_index]
    return by_index


def test_a_picture_that_is_there_twice_has_both_names(made_batch, names):
    names.again(item(made_batch, 1, "photos/copy.jpg"))
    made_batch.publish(1)
    names.write()
    assert known(made_batch) == [["photos/1.jpg", "photos/copy.jpg"]]


def test_a_renamed_picture_is_shown_by_its_new_name_also_after_the_index_is_lost(made_batch, names):
    made_batch.publish(1)
    known(made_batch)
    names.first(item(made_batch, 1, "photos/new.jpg"))
    names.write()
    assert known(made_batch) == [["photos/new.jpg", "photos/1.jpg"]]
    made_batch.folder.index.unlink()
    assert known(made_batch) == [["photos/new.jpg", "photos/1.jpg"]]


def test_names_that_are_known_change_no_file(made_batch, names):
    made_batch.publish(1)
    file = made_batch.folder.item(made_batch.id(1)) / "item.json"
    before = file.stat().st_ino
    names.first(item(made_batch, 1, "photos/1.jpg"))
    names.again(item(made_batch, 1, "photos/1.jpg"))
    names.write()
    assert file.stat().st_ino == before


def test_what_was_given_up_has_all_names_and_what_is_damaged_stops_nothing(made_batch, names):
    made_batch.give_up(1, "no; wanted another")
    damaged = made_batch.publish(2)
    (made_batch.folder.item(damaged) / "item.json").write_text("{")
    names.first(item(made_batch, 2, "photos/new.jpg"))
    names.again(item(made_batch, 1, "photos/copy.jpg"))
    names.write()
    about = json.loads(made_batch.folder.quarantined(made_batch.id(1)).read_text())
    assert about["names"] == ["photos/bad.jpg", "photos/copy.jpg"]
    assert about["sentence"] == "no; wanted another"
