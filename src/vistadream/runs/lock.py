"""Keeps other processes out of the folder of a run: by a system lock if the disk has one, else by a lease.

The lease is a small file that names the host and the process of the run. It is written in both cases, so that the
error of another process can name the owner.
"""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import psutil

from vistadream.core import UserError
from vistadream.formats.json_file import read_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""Errors of a disk without locks, such as Lustre and some network disks."""
_SAME_START_S = 1.0
"""Two processes with the same id are one process if their start times differ by less than this."""


@contextmanager
def locked(file: Path, lease: Path) -> Iterator[bool]:
    """Holds the system lock on `file` and the lease until the block ends; yields False if there is only the lease.

    The system lock ends with the process. A lease that a killed process of this host left is taken over. Raises
    UserError, with the name of the owner, while another process of this or another host holds one of them.
    """
    with file.open("a") as stream:
        by_system = _lock(stream, lease)
        _take(lease, by_system)
        try:
            yield by_system
        finally:
            lease.unlink(missing_ok=True)


def _lock(stream: TextIO, lease: Path) -> bool:
    """Whether the system locked the file for this process; False if the disk has no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _in_use(lease, _owner(lease)) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _take(lease: Path, by_system: bool) -> None:
    """Writes the lease of this process; UserError if another owner may still be running."""
    if lease.exists():
        owner = _owner(lease)
        if _may_work(owner, by_system):
            raise _in_use(lease, owner)
        lease.unlink(missing_ok=True)
    try:
        with lease.open("x", encoding="utf-8") as stream:
            json.dump(_self(), stream)
    except FileExistsError as error:  # another process was faster
        raise _in_use(lease, _owner(lease)) from error


def _self() -> dict[str, Any]:
    return {"host": platform.node(), "pid": os.getpid(), "started": psutil.Process().create_time()}


def _owner(lease: Path) -> dict[str, Any]:
    """The content of the lease; empty if there is no complete one."""
    with suppress(OSError, ValueError):
        owner = read_json(lease)
        return owner if isinstance(owner, dict) else {}
    return {}


def _may_work(owner: dict[str, Any], by_system: bool) -> bool:
    """Whether the owner of a lease may still be running. An owner on this host is not, if this process has the lock.

    Processes of other hosts cannot be checked, and some network disks have separate locks for each host.
    """
    if owner.get("host") != platform.node():
        return bool(owner) or not by_system
    return not by_system and _is_running(owner)


def _is_running(owner: dict[str, Any]) -> bool:
    try:
        started = psutil.Process(int(owner["pid"])).create_time()
        return abs(started - float(owner["started"])) < _SAME_START_S
    except psutil.AccessDenied:
        return True
    except (psutil.Error, KeyError, TypeError, ValueError):
        return False


def _in_use(lease: Path, owner: dict[str, Any]) -> UserError:
    folder, host, pid = lease.parent, owner.get("host"), owner.get("pid")
    who = "another process" if pid is None else f"process {pid}"
    if host == platform.node():
        remedy = "wait for that run to end, or stop it"
    else:
        who += f" of the host {host}" if host else ""
        remedy = f"wait for that run to end; if it was killed, remove the file {lease}"
    return UserError(f"{folder} is in use by {who}; wanted a folder that no run is working on: {remedy}")
