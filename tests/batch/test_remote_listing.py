"""images= behind a URL: the same pictures as in a folder, each fetched when it is worked on, and one sentence else."""

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vistadream.assets import sample_image
from vistadream.batch import pictures
from vistadream.batch.digests import DigestCache
from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item, id_of
from vistadream.batch.listing import Named, named_in
from vistadream.batch.remote import opened
from vistadream.core import UserError

TOP = "memory://bucket/photos"


@pytest.fixture
def store() -> Iterator[Any]:
    """A store in memory with some pictures."""
    pytest.importorskip("fsspec")
    store, top = opened(TOP)
    for name in ("b.png", "a.JPG", "deep/c.webp", "deep/er/d.tif", ".hidden.png", "notes.txt"):
        store.pipe_file(f"{top}/{name}", name.encode())
    yield store
    store.rm("/bucket", recursive=True)


def names(images: str) -> list[str]:
    return [named.name.rpartition("bucket/")[2] for named in named_in(images)]


def looked(named: Named, folder: BatchFolder) -> Item:
    return Item(
        id_of(pictures.looked_at(named, DigestCache(folder.digests), folder).digest, "0123abcd"), (named.name,), ()
    )


def test_a_folder_and_a_pattern(store: Any) -> None:
    assert names(TOP) == [f"photos/{name}" for name in ("a.JPG", "b.png", "deep/c.webp", "deep/er/d.tif")]
    assert names(f"{TOP}/*.png") == ["photos/.hidden.png", "photos/b.png"]
    assert names(f"{TOP}/**/*.tif") == ["photos/deep/er/d.tif"]


def test_a_list_and_a_manifest_also_from_the_disk(store: Any, tmp_path: Path) -> None:
    store.pipe_file("/bucket/photos/list.txt", b"deep/c.webp\n\na.JPG\n")
    assert names(f"{TOP}/list.txt") == ["photos/deep/c.webp", "photos/a.JPG"]
    entry = {"image": f"{TOP}/b.png", "id": "chair", "knobs": {"seed": 3}}
    (tmp_path / "all.jsonl").write_text(json.dumps(entry))
    (found,) = named_in(str(tmp_path / "all.jsonl"))
    assert (found.name, found.label, found.knobs) == (f"{TOP}/b.png", "chair", {"seed": 3})


@pytest.mark.parametrize("suffix", ["zip", "tar"])
def test_an_archive(store: Any, tmp_path: Path, suffix: str) -> None:
    content, whole = sample_image().read_bytes(), io.BytesIO()
    if suffix == "zip":
        with zipfile.ZipFile(whole, "w") as archive:
            archive.writestr("in/a.png", content)
    else:
        info = tarfile.TarInfo("in/a.png")
        info.size = len(content)
        with tarfile.open(fileobj=whole, mode="w") as archive:
            archive.addfile(info, io.BytesIO(content))
    store.pipe_file(f"/bucket/x.{suffix}", whole.getvalue())
    folder, items = BatchFolder(tmp_path), []
    for named in named_in(f"memory://bucket/x.{suffix}"):
        items.append(looked(named, folder))
    assert [item.names[0] for item in items] == [f"memory://bucket/x.{suffix}!in/a.png"]
    assert pictures.picture_at(items[0], folder).read_bytes() == content


def test_a_picture_is_fetched_when_it_is_worked_on_and_a_changed_one_is_another(store: Any, tmp_path: Path) -> None:
    folder, (named,) = BatchFolder(tmp_path), named_in(f"{TOP}/b.*")
    item = looked(named, folder)
    assert list(tmp_path.rglob("*.png")) == []
    assert pictures.picture_at(item, folder, TOP, tmp_path).read_bytes() == b"b.png"
    store.pipe_file("/bucket/photos/b.png", b"other")
    (again,) = named_in(f"{TOP}/b.*")
    assert looked(again, folder).id != item.id
    with pytest.raises(UserError, match="was changed after it was listed; wanted"):
        pictures.picture_at(item, folder, TOP, tmp_path)
    store.rm_file("/bucket/photos/b.png")
    with pytest.raises(UserError, match="is not there any more; wanted"):
        pictures.picture_at(item, folder, TOP, tmp_path)


def test_no_picture_is_fetched_twice_to_be_listed(store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = BatchFolder(tmp_path)
    first = [looked(named, folder) for named in named_in(TOP)]
    monkeypatch.setattr(pictures, "fetch", None)
    cache = DigestCache(folder.digests)
    assert [pictures.looked_at(named, cache, folder).digest for named in named_in(TOP)] == [i.digest for i in first]


@pytest.mark.parametrize("images", ["memory://bucket/gone", "memory://none/x.zip", "memory://none/list.txt"])
def test_what_is_not_there_is_one_sentence(store: Any, images: str) -> None:
    with pytest.raises(UserError, match=r"is not there.*; wanted"):
        names(images)


def test_a_missing_line_is_named(store: Any) -> None:
    store.pipe_file("/bucket/photos/list.txt", b"a.JPG\ngone.jpg\n")
    with pytest.raises(UserError, match=r"line 2 names 'gone.jpg', which is not there; wanted"):
        names(f"{TOP}/list.txt")


def test_a_wrong_key_is_one_sentence_and_pauses_the_batch_where_nothing_can_be_read(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise PermissionError("InvalidAccessKeyId")

    item = looked(next(named_in(f"{TOP}/b.*")), BatchFolder(tmp_path))
    monkeypatch.setattr(type(store), "get_file", refused)
    with pytest.raises(UserError, match=r"cannot be read \(InvalidAccessKeyId\); wanted a key") as caught:
        pictures.picture_at(item, BatchFolder(tmp_path), TOP, tmp_path)
    assert isinstance(caught.value.__cause__, PermissionError), "the rest can be read: it is the picture's fault"
    monkeypatch.setattr(type(store), "info", refused)
    with pytest.raises(UserError, match="wanted a key") as caught:
        pictures.picture_at(item, BatchFolder(tmp_path), TOP, tmp_path)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno is not None, "the batch waits until the store is back"
    with pytest.raises(UserError, match=r"images=.* cannot be read \(InvalidAccessKeyId\); wanted a key"):
        names(TOP)
