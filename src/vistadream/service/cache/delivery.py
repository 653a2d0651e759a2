"""Ends jobs whose results are known, without running them."""

from __future__ import annotations

from pathlib import Path

from vistadream.formats.files import folder_bytes
from vistadream.service.cache.cache import Cache
from vistadream.service.cache.entry import Entry
from vistadream.service.queue.attempts import Attempts
from vistadream.service.queue.tables import JobRow


class Delivery:
    """Hands out the results of a cache to jobs of a queue. The caller holds the lock of the job."""

    def __init__(self, queue: Attempts, cache: Cache, jobs: Path):
        """`jobs`: the folder with a folder for each job."""
        self._queue, self._cache, self._jobs = queue, cache, jobs

    def at_once(self, job: JobRow, worker: str) -> bool:
        """Begins and ends a queued job; False where it has to be run, or is not queued any more."""
        if (entry := self._cache.find(job.result_key)) is None:
            return False
        begun = self._queue.begin(job.id, worker, alone=False)
        if begun and not self._filled(begun, entry):
            self._queue.finish(job.id, begun.attempt, "queued")
            return False
        return begun is not None

    def end(self, job: JobRow) -> bool:
        """Ends a job that was begun; False where its result is not known, so that it has to be run."""
        entry = self._cache.find(job.result_key)
        return entry is not None and self._filled(job, entry)

    def keep(self, job: JobRow) -> None:
        """Keeps the result of a job that was run."""
        self._cache.keep(job, self._jobs / job.id)

    def _filled(self, job: JobRow, entry: Entry) -> bool:
        folder = self._jobs / job.id
        if not self._cache.fill(entry, job, folder):
            return False
        disk_bytes = folder_bytes(folder)
        return self._queue.finish(job.id, job.attempt, "done", cached_from=entry.job, disk_bytes=disk_bytes)
