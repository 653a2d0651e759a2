"""Published items: whole or not there, and the second to publish loses."""

from pathlib import Path

import pytest

from vistadream.batch.folder import BatchFolder, item_key, marker_key
from vistadream.batch.storage import LocalStorage

ID = "ab12ab12ab12ab12-00000000"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    (tmp_path / "items").mkdir()
    return LocalStorage(tmp_path)


def ready(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "gaussians.ply").write_text(content)
    (folder / "item.json").write_text("{}")
    return folder


def test_the_first_to_publish_wins(storage: LocalStorage, tmp_path: Path) -> None:
    assert not storage.exists(marker_key(ID))
    assert storage.publish(ID, ready(tmp_path / "a", "first"))
    assert not storage.publish(ID, ready(tmp_path / "b", "second"))
    assert storage.get(f"{item_key(ID)}/gaussians.ply") == b"first"
    assert BatchFolder(tmp_path).item(ID) == tmp_path / item_key(ID)


def test_an_item_without_its_marker_is_published_again(storage: LocalStorage, tmp_path: Path) -> None:
    storage.publish(ID, ready(tmp_path / "a", "first"))
    (tmp_path / marker_key(ID)).unlink()
    assert storage.publish(ID, ready(tmp_path / "b", "second"))
    assert storage.get(f"{item_key(ID)}/gaussians.ply") == b"second"


def test_a_disk_that_is_away_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LocalStorage(tmp_path / "away").publish(ID, ready(tmp_path / "a", "first"))
    assert not (tmp_path / "away").exists()


def test_files_by_their_keys(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "s")
    (tmp_path / "x").write_bytes(b"x")
    storage.put_file("items/ab/1/x", tmp_path / "x")
    assert storage.put_marker("items/ab/1/item.json", b"{}")
    assert not storage.put_marker("items/ab/1/item.json", b"other")
    assert sorted(storage.list("items/")) == ["items/ab/1/item.json", "items/ab/1/x"]
    with pytest.raises(FileNotFoundError):
        storage.get("items/ab/1/y")
