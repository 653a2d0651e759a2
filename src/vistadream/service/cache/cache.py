"""Results of finished jobs, kept below one folder: each is a whole run folder under its key."""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import suppress
from pathlib import Path

from vistadream.formats.files import remove, replace_folder
from vistadream.runs.listed import LIST, Listed
from vistadream.service.cache.copies import bytes_of, copy_run
from vistadream.service.cache.entry import Entry
from vistadream.service.cache.index import Index, IndexAwayError, TableIndex
from vistadream.service.cache.knobs import CachePlace
from vistadream.service.cache.redis_index import RedisIndex, password_of
from vistadream.service.queue.database import Database
from vistadream.service.queue.tables import JobRow

_log = logging.getLogger("vistadream.service")
_LEFT_AFTER_S = 3600.0
"""What no index knows, and nobody has written to for this long, was left by a process that was killed."""


class Cache:
    """The cache. Safe in threads and in processes: a folder appears whole or not at all, and goes at once."""

    def __init__(self, root: Path, index: Index, max_bytes: int):
        self._root, self._index, self.max_bytes = root, index, max_bytes
        self.hits = self.misses = 0
        """How often `find` found something in this process, and how often it did not."""

    def find(self, key: str) -> Entry | None:
        """The result of a key; None where there is none, where the index does not answer, and for no key."""
        if not key:
            return None
        entry = None
        with suppress(IndexAwayError):
            entry = self._index.get(key)
            if entry and not (self._root / key).is_dir():
                self._index.remove(key)
                entry = None
            if entry:
                self._index.touch(key)
        self.hits, self.misses = self.hits + bool(entry), self.misses + (not entry)
        return entry

    def fill(self, entry: Entry, job: JobRow, folder: Path) -> bool:
        """Puts a result into the folder of a job, whole or not at all; False where it is gone meanwhile."""
        for left in folder.glob(".run.*"):
            remove(left)  # by a process that was killed; the caller holds the lock of the job
        draft = folder / f".run.{secrets.token_hex(4)}"
        try:
            copy_run(self._root / entry.key, draft, _renamed(entry, job, folder))
            replace_folder(draft, folder / "run")
        except OSError as error:
            _log.warning("the result of job %s could not be taken from the cache: %s", entry.job, error)
            return False
        finally:
            remove(draft)
        return True

    def keep(self, job: JobRow, folder: Path) -> None:
        """Keeps the result of a job that was run, if it is what its key says. An error is a warning: the job is done.

        Which backends `auto` chooses depends on the machine, so a worker elsewhere may have made another scene.
        """
        run = folder / "run"
        if not job.result_key or Listed.read(run).key != job.scene_key:
            return
        try:
            self._keep(job, folder, run)
        except OSError as error:
            _log.warning("the result of job %s could not be kept in the cache: %s", job.id, error)
        except IndexAwayError:
            remove(self._root / job.result_key)

    def trim(self) -> None:
        """Removes what was not used for the longest time until the rest fits.

        Results of which a job still has the files take no space of their own: they neither count nor go.
        """
        with suppress(IndexAwayError):
            entries = self._index.entries()
            if sum(entry.bytes for entry in entries) <= self.max_bytes:
                return
            alone = [entry for entry in entries if self._is_alone(entry)]
            excess = sum(entry.bytes for entry in alone) - self.max_bytes
            for entry in alone:
                if excess <= 0:
                    return
                self._drop(entry.key)
                excess -= entry.bytes

    def clear(self) -> list[Entry]:
        """Removes all; what was removed."""
        removed = self.entries()
        with suppress(IndexAwayError):
            for entry in removed:
                self._drop(entry.key)
        return removed

    def entries(self) -> list[Entry]:
        """All results; none where the index does not answer."""
        with suppress(IndexAwayError):
            return self._index.entries()
        return []

    def sweep(self) -> None:
        """Removes what killed processes left."""
        with suppress(IndexAwayError, FileNotFoundError):
            known = {entry.key for entry in self._index.entries()}
            for path in self._root.iterdir():
                if path.name not in known and path.stat().st_mtime < time.time() - _LEFT_AFTER_S:
                    remove(path)

    def _keep(self, job: JobRow, folder: Path, run: Path) -> None:
        target = self._root / job.result_key
        if self._index.get(job.result_key) and target.is_dir():
            return
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._draft()
        try:
            copy_run(run, draft, {})
            draft.touch()  # the time of the copy, not that of the run
            entry = Entry(job.result_key, job.id, str(folder), job.input_name, bytes_of(draft), time.time())
            self._move_away(target)
            draft.rename(target)
        finally:
            remove(draft)
        self._index.put(entry)
        self.trim()

    def _is_alone(self, entry: Entry) -> bool:
        """Whether no job has the files of a result by links."""
        try:
            return (self._root / entry.key / LIST).stat().st_nlink == 1
        except OSError:
            return True

    def _drop(self, key: str) -> None:
        self._index.remove(key)
        self._move_away(self._root / key)

    def _move_away(self, path: Path) -> None:
        """Removes a folder, which nobody sees half of."""
        gone = self._draft()
        with suppress(FileNotFoundError):
            path.rename(gone)
        remove(gone)

    def _draft(self) -> Path:
        return self._root / f".{secrets.token_hex(8)}"


def _renamed(entry: Entry, job: JobRow, folder: Path) -> dict[str, str]:
    """Which names in the texts of a run become which others; the longer ones first."""
    inputs = {f"{entry.folder}/input/{entry.input_name}": f"{folder}/input/{job.input_name}"} if job.input_name else {}
    return inputs | {entry.folder: str(folder), entry.job: job.id}


def open_cache(place: CachePlace, data: Path, database: Database) -> Cache:
    """The cache of a data folder. UserError where its index cannot be opened."""
    index: Index = RedisIndex(place.index, password_of(place)) if place.index else TableIndex(database)
    return Cache((place.folder or data / "cache").absolute(), index, round(place.max_gb * 1e9))
