"""How much main memory is free: on the system, or in the container in which this process runs.

The files are those of cgroups, version 2 (https://docs.kernel.org/admin-guide/cgroup-v2.html) and 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class _Names:
    """File names in one version of cgroups: a group's limits, its use, and the caches that the kernel can free."""

    limits: tuple[str, ...]
    used: str
    caches: tuple[str, ...]


_V2 = _Names(("memory.max", "memory.high"), "memory.current", ("inactive_file", "active_file"))
_V1 = _Names(("memory.limit_in_bytes",), "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))


def free_bytes(groups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> int:
    """Bytes of main memory that this process can still allocate.

    The minimum of the system's free memory and of what is left in each cgroup that contains this process. `groups` is
    the kernel's folder of cgroups, `membership` the file that lists those of this process.
    """
    return min([psutil.virtual_memory().available, *_left_in_groups(groups, membership)])


def _left_in_groups(groups: Path, membership: Path) -> Iterator[int]:
    for root, group, names in _memberships(groups, membership):
        # In a container the root of the tree may be the container's own group.
        inside = (root / group).is_dir() and ".." not in group.parts
        folder = root / group if inside else root
        for ancestor in (folder, *folder.parents):
            yield from _left(ancestor, names)
            if ancestor == root:
                break


def _memberships(groups: Path, membership: Path) -> Iterator[tuple[Path, Path, _Names]]:
    """For each version of cgroups: the root of its tree, the group of this process in it, and its file names."""
    for line in _read(membership).splitlines():  # empty on systems other than Linux
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield groups, Path(group.lstrip("/")), _V2
        elif "memory" in controllers.split(","):
            yield groups / "memory", Path(group.lstrip("/")), _V1


def _left(folder: Path, names: _Names) -> Iterator[int]:
    """Bytes that a group has left under each of its limits."""
    for name in names.limits:
        limit = _read(folder / name)
        if limit.isdecimal():  # otherwise `max`, that is no limit, or the group does not exist
            used = int(_read(folder / names.used) or 0)
            counts = dict(line.split() for line in _read(folder / "memory.stat").splitlines())
            yield max(int(limit) - used + sum(int(counts.get(cache, 0)) for cache in names.caches), 0)


def _read(file: Path) -> str:
    """The file's text; empty if it cannot be read."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
