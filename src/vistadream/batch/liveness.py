"""Whether the worker of a claim is dead: by the system's lock on its machine, by its silence on another. No clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import IO

from vistadream.batch.claim import beat_file, owner_of
from vistadream.workers.file_lock import try_lock


class Liveness:
    """What one process has seen of the signs of life of others."""

    def __init__(self, node: str, dead_after_s: float, now_s: Callable[[], float] = time.monotonic):
        self._node, self._dead_after_s, self._now_s = node, dead_after_s, now_s
        self._seen: dict[str, tuple[int, float]] = {}

    def is_dead(self, claim: Path, number: int) -> bool:
        """Whether a claim that was not let go has lost its worker."""
        beat = beat_file(claim, number)
        with suppress(OSError):  # a disk without locks
            if owner_of(claim).get("node") == self._node and beat.exists() and (lock := try_lock(beat)):
                lock.close()
                return True
        return self._is_silent(claim, beat)

    def forget_but(self, claims: Collection[str]) -> None:
        """Keeps what was seen of these claims, by their folders' names, alone."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in claims}

    def _is_silent(self, claim: Path, beat: Path) -> bool:
        """Whether the sign of life has not changed for `dead_after_s` while this process watched it."""
        try:
            stamp = (beat if beat.exists() else claim).stat().st_mtime_ns
        except FileNotFoundError:
            return False
        seen, since_s = self._seen.get(claim.name, (None, 0.0))
        if seen != stamp:
            self._seen[claim.name] = (stamp, self._now_s())
            return False
        return self._now_s() - since_s > self._dead_after_s


def try_lock_of(folder: Path, number: int) -> tuple[bool, IO[bytes] | None]:
    """Locks the sign of life of the claim of that number: whether it is free, and the lock where there are locks."""
    try:
        lock = try_lock(beat_file(folder, number))
    except OSError:  # a disk without locks
        return True, None
    return lock is not None, lock


def unlock(lock: IO[bytes] | None) -> None:
    """Frees what `try_lock_of` has locked."""
    if lock is not None:
        lock.close()
