"""How much main memory may still be taken: of the system, or of the container that this process is in.

The files are those of cgroups, version 2 (https://docs.kernel.org/admin-guide/cgroup-v2.html) and 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class _Names:
    """What a version of cgroups calls a group's limits, its use, and the caches within that the kernel gives back."""

    limits: tuple[str, ...]
    used: str
    caches: tuple[str, ...]


_V2 = _Names(("memory.max", "memory.high"), "memory.current", ("inactive_file", "active_file"))
_V1 = _Names(("memory.limit_in_bytes",), "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))


def free_bytes(groups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes of main memory that this process may still take.

    The least of what the system has free and what each group of processes around this one has left of its limit.
    `groups` is where the kernel shows the groups, `membership` the file that names those of this process.
    """
    return min([psutil.virtual_memory().available, *_left_in_groups(groups, membership)])


def _left_in_groups(groups: Path, membership: Path) -> Iterator[int]:
    for root, group, names in _memberships(groups, membership):
        inside = (
            root / group
        ).is_dir() and ".." not in group.parts  # a container may be shown its own group as the root
        folder = root / group if inside else root
        for ancestor in (folder, *folder.parents):
            yield from _left(ancestor, names)
            if ancestor == root:
                break


def _memberships(groups: Path, membership: Path) -> Iterator[tuple[Path, Path, _Names]]:
    """Where a version's tree of groups is, this process's group in it, and the names of the files there."""
    for line in _read(membership).splitlines():  # there are none but on Linux
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield groups, Path(group.lstrip("/")), _V2
        elif "memory" in controllers.split(","):
            yield groups / "memory", Path(group.lstrip("/")), _V1


def _left(folder: Path, names: _Names) -> Iterator[int]:
    """What a group has left of each of its limits."""
    for name in names.limits:
        limit = _read(folder / name)
        if limit.isdecimal():  # else `max`, which is no limit, or no such group
            used = int(_read(folder / names.used) or 0)
            counts = dict(line.split() for line in _read(folder / "memory.stat").splitlines())
            yield max(int(limit) - used + sum(int(counts.get(cache, 0)) for cache in names.caches), 0)


def _read(file: Path) -> str:
    """The file's text; nothing where it cannot be read."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
