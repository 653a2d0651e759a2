"""One run in a folder at a time, on disks with locks and without, and across the hosts of a cluster."""

import errno
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from vistadream.core import UserError
from vistadream.runs import lock
from vistadream.runs.folder import RunFolder

GONE = {"host": platform.node(), "pid": 2**22 + 1, "started": 1.0}


@pytest.fixture(params=["a system lock", "no fcntl", "a disk without locks"])
def disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    if request.param == "no fcntl":
        monkeypatch.setattr(lock, "fcntl", None)
    elif request.param == "a disk without locks":
        monkeypatch.setattr("fcntl.flock", flock)
    return request.param


def lease(folder: Path) -> Path:
    return folder / "run.lock"


def test_a_locked_folder_names_the_process_that_is_in_it(disk: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for _ in range(2):
        with folder.lock() as by_system:
            assert by_system == (disk == "a system lock")
            with pytest.raises(UserError, match=f"in use by process {os.getpid()}; .* or stop it"), folder.lock():
                pass
            assert lease(tmp_path).exists(), "it is still the first one's"
        assert not lease(tmp_path).exists()


def test_the_lease_of_a_process_that_is_gone_is_taken_over(disk: str, tmp_path: Path) -> None:
    reused = GONE | {"pid": psutil.Process().ppid()}
    for owner in (GONE, reused):
        lease(tmp_path).write_text(json.dumps(owner))
        with RunFolder(tmp_path).lock():
            assert json.loads(lease(tmp_path).read_text())["pid"] == os.getpid()


def test_the_lease_of_another_host_is_refused_with_what_to_do(disk: str, tmp_path: Path) -> None:
    lease(tmp_path).write_text(json.dumps(GONE | {"host": "node7"}))
    words = f"in use by process {GONE['pid']} of the host node7; .* remove the file {lease(tmp_path)}"
    with pytest.raises(UserError, match=words), RunFolder(tmp_path).lock():
        pass
    lease(tmp_path).unlink()
    with RunFolder(tmp_path).lock():
        pass


@pytest.mark.parametrize("text", ["", "[]", "no json"])
def test_a_broken_lease_counts_where_there_is_no_other_lock(disk: str, text: str, tmp_path: Path) -> None:
    lease(tmp_path).write_text(text)
    if disk == "a system lock":
        with RunFolder(tmp_path).lock():
            pass
    else:
        with (
            pytest.raises(UserError, match=r"another process; .* remove the file"),
            RunFolder(tmp_path).lock(),
        ):
            pass


HOLD = """
import sys, time
from pathlib import Path
from vistadream.runs import lock
if {bare}:
    lock.fcntl = None
from vistadream.runs.folder import RunFolder
with RunFolder(Path({folder!r})).lock():
    print("in", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("bare", [False, True])
def test_a_killed_process_leaves_no_lock(bare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if bare:
        monkeypatch.setattr(lock, "fcntl", None)
    code = HOLD.format(bare=bare, folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "in\n"
    with pytest.raises(UserError, match=f"in use by process {process.pid};"), RunFolder(tmp_path).lock():
        pass
    process.kill()
    process.communicate()
    with RunFolder(tmp_path).lock():
        pass
