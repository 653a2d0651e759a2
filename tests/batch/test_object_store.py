"""Items in an object store: an S3 on loopback, workers that are killed between two files, and what it refuses."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.batch.engines.conftest import Drive

from vistadream.batch.folder import BatchFolder, item_key, marker_key
from vistadream.batch.listing import named_in
from vistadream.batch.object_store import ObjectStore, folder_of
from vistadream.batch.quarantine import Quarantine, Verdict
from vistadream.batch.troubles import Troubles
from vistadream.commands.main import main
from vistadream.core import UserError
from vistadream.workers.queue import Outcome

ID = "ab12ab12ab12ab12-00000000"
OUT = "s3://scenes/spring"


def files() -> Any:
    """The S3 as files."""
    return pytest.importorskip("fsspec").filesystem("s3")


def ready(folder: Path, content: str = "first") -> Path:
    folder.mkdir(parents=True)
    (folder / "gaussians.ply").write_text(content)
    (folder / "item.json").write_text("{}")
    return folder


def store(root: Path, url: str) -> ObjectStore:
    return ObjectStore(url, root)


def test_the_first_to_publish_wins_and_the_bytes_are_those_of_the_disk(tmp_path: Path, s3: str) -> None:
    here, there = store(tmp_path / "here", s3), store(tmp_path / "there", s3)
    assert not there.exists(marker_key(ID))
    assert here.publish(ID, ready(tmp_path / "a"))
    assert not there.publish(ID, ready(tmp_path / "b", "second"))
    assert there.get(f"{item_key(ID)}/gaussians.ply") == b"first"
    assert set(there.list("items/")) == {f"{item_key(ID)}/gaussians.ply", marker_key(ID)}
    assert not (tmp_path / "a").exists()


KILLED = """\
import os, signal, sys
from pathlib import Path
from vistadream.batch.object_store import ObjectStore
store = ObjectStore(sys.argv[1], Path(sys.argv[2]))
store.put_marker = lambda key, content: os.kill(os.getpid(), signal.SIGKILL)
store.publish(sys.argv[3], Path(sys.argv[4]))
"""


def test_what_is_killed_between_the_upload_and_item_json_is_not_done(tmp_path: Path, s3: str) -> None:
    command = [sys.executable, "-c", KILLED, s3, str(tmp_path / "here"), ID, str(ready(tmp_path / "a"))]
    assert subprocess.run(command, env=os.environ).returncode == -signal.SIGKILL
    after = store(tmp_path / "after", s3)
    after.recall()
    assert set(after.list("items/")) == {f"{item_key(ID)}/gaussians.ply"}
    assert not after.exists(marker_key(ID))
    assert after.publish(ID, ready(tmp_path / "b", "second"))
    assert after.get(f"{item_key(ID)}/gaussians.ply") == b"second"


def test_a_batch_has_the_same_bytes_there_as_on_a_disk(tmp_path: Path, s3: str) -> None:
    words = ("workers=1", f"batch.scratch={tmp_path}/scratch")
    drive = Drive(tmp_path, 1, {**os.environ, "OMP_NUM_THREADS": "1"}, words)
    drive.draw()
    drive.start()
    assert drive.wait() == 0, drive.said()
    (id,) = drive.published()
    drive.start(f"out={s3}")
    assert drive.wait() == 0, drive.said()
    scene = f"{item_key(id)}/gaussians.ply"
    there = store(tmp_path / "there", s3)
    assert there.exists(marker_key(id))
    assert there.get(scene) == (drive.out / scene).read_bytes()
    assert there.get("batch.json")
    assert not list(there.list("work/"))
    drive.start(f"out={s3}")
    assert drive.wait() == 0
    assert "1 published" in drive.said().splitlines()[-1]


def test_another_machine_learns_what_is_done_shared_and_removed(tmp_path: Path, s3: str) -> None:
    here, there = store(tmp_path / "here", s3), store(tmp_path / "there", s3)
    here.publish(ID, ready(tmp_path / "a"))
    given_up = tmp_path / "here" / "quarantine" / f"{ID}.json"
    given_up.parent.mkdir()
    given_up.write_text('{"reason": "bad"}')
    here.share(given_up)
    there.recall()
    assert there.exists(marker_key(ID))
    assert (tmp_path / "there" / "quarantine" / f"{ID}.json").read_text() == '{"reason": "bad"}'
    given_up.unlink()
    here.share(given_up)
    assert not list(there.list("quarantine/"))


def test_an_item_that_somebody_removed_from_the_store_is_not_done(tmp_path: Path, s3: str) -> None:
    here = store(tmp_path, s3)
    here.publish(ID, ready(tmp_path / "a"))
    files().rm_file(f"{s3}/{marker_key(ID)}")
    again = store(tmp_path, s3)
    again.recall()
    assert not again.exists(marker_key(ID))


def test_pictures_there_are_listed_and_what_is_wrong_with_a_bucket_is_one_sentence(
    s3: str,
) -> None:
    files().pipe_file(f"{s3}/photos/deep/a.png", b"a")
    files().pipe_file(f"{s3}/photos/b.jpg", b"b")
    assert [named.name for named in named_in(f"{s3}/photos")] == [f"{s3}/photos/b.jpg", f"{s3}/photos/deep/a.png"]
    assert [named.name for named in named_in(f"{s3}/photos/*.jpg")] == [f"{s3}/photos/b.jpg"]
    with pytest.raises(UserError, match=r"is not there.*; wanted"):
        list(named_in("s3://no-such-bucket/photos"))


def test_a_bucket_that_is_missing_is_one_sentence(tmp_path: Path, s3: str) -> None:
    with pytest.raises(UserError, match=r"is not there.*wanted a bucket"):
        store(tmp_path, "s3://no-such-bucket/x").check()


@pytest.mark.parametrize("error", [PermissionError("Access Denied"), PermissionError("InvalidAccessKeyId")])
def test_a_wrong_key_and_a_place_to_read_alone_are_one_sentence(
    tmp_path: Path, s3: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise error

    here = store(tmp_path, s3)
    monkeypatch.setattr(here._fs, "pipe_file", refused)
    with pytest.raises(UserError, match=rf"{error}.*wanted a key that may read, write and delete"):
        here.check()
    monkeypatch.setattr(here._fs, "find", refused)
    with pytest.raises(UserError, match=rf"{error}.*wanted a key that may read"):
        here.recall()


@pytest.mark.parametrize("error", [PermissionError("ExpiredToken"), ConnectionError("no route"), RuntimeError("odd")])
def test_credentials_that_are_lost_or_a_store_that_goes_away_are_no_items_fault(
    tmp_path: Path, s3: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise error

    here = store(tmp_path / "here", s3)
    for method in ("put_file", "cat_file", "find"):
        monkeypatch.setattr(here._fs, method, refused)
    for asked in (lambda: here.publish(ID, ready(tmp_path / "a")), lambda: here.exists(marker_key(ID))):
        with pytest.raises(OSError, match=str(error)) as caught:
            asked()
        assert Troubles(BatchFolder(tmp_path)).met(Outcome("broken", errno=caught.value.errno)), "no attempt is counted"
    assert (tmp_path / "a" / "gaussians.ply").exists()


def test_a_bucket_that_is_removed_is_no_items_fault(tmp_path: Path, s3: str) -> None:
    files().rm(s3.rpartition("/")[0], recursive=True)
    with pytest.raises(OSError, match="bucket") as caught:
        store(tmp_path / "here", s3).publish(ID, ready(tmp_path / "a"))
    assert caught.value.errno == errno.ENODEV


def test_asking_a_batch_writes_nothing_there(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vistadream.batch.object_store.cache_home", lambda: tmp_path)
    here = store(tmp_path / "here", s3)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "batch.json").write_text('{"starts": [{"images": "a"}]}')
    here.share(tmp_path / "here" / "batch.json")

    def refused(*args: object, **kwargs: object) -> None:
        raise PermissionError("Access Denied")

    for writing in ("_pipe_file", "_put_file", "_rm_file", "pipe_file", "put_file", "rm_file"):
        monkeypatch.setattr(type(here._fs), writing, refused)
    assert main(["batch", "status", s3]) == 0, capsys.readouterr()


def test_without_the_package_the_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UserError, match=r"pip install 'vistadream\[cloud\]'"):
        store(tmp_path, OUT)


def test_work_under_way_is_on_this_machine(tmp_path: Path) -> None:
    assert folder_of(OUT, tmp_path).parent == tmp_path
    assert folder_of(OUT, tmp_path) != folder_of("s3://scenes/summer", tmp_path)
    assert folder_of(f"{OUT}/", tmp_path) == folder_of(OUT, tmp_path)
    assert folder_of(str(tmp_path)) == tmp_path


def test_what_was_given_up_is_tried_again_also_there(
    tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("vistadream.batch.object_store.cache_home", lambda: tmp_path)
    folder = BatchFolder(folder_of(s3))
    folder.root.mkdir(parents=True)
    folder.batch_json.write_text('{"starts": [{"images": "a"}]}')
    Quarantine(folder).put(ID, ["a.jpg"], Verdict("bad", "no picture"), [], "")
    here = store(folder.root, s3)
    here.share(folder.quarantined(ID))
    assert main(["batch", "retry", s3]) == 0, capsys.readouterr()
    assert not list(here.list("quarantine/"))
    assert not Quarantine(folder).holds(ID)
