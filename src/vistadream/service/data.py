"""The folder of the service: the queue, a folder for each job, and uploads in progress."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vistadream.core import UserError
from vistadream.formats.files import remove
from vistadream.service.queue.before import FOLDER
from vistadream.service.queue.tables import new_id
from vistadream.workers.file_lock import try_lock


@dataclass(frozen=True)
class DataFolder:
    """The paths below the knob `data`."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "serve.lock"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def drafts(self) -> Path:
        return self.root / "drafts"

    @property
    def thumbnails(self) -> Path:
        return self.root / "thumbnails"

    def make(self) -> None:
        """Creates the folders, which only their owner can enter."""
        for folder in (self.root, self.jobs, self.drafts):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other services out of the folder; UserError when one is there. The lock ends with the process."""
        if (lock := try_lock(self.lock)) is None:
            raise UserError(
                f"data={self.root} is used by another vistadream serve; wanted a folder of its own: choose another"
            )
        with lock:
            yield

    def job(self, job_id: str) -> Path:
        return self.jobs / job_id

    def input(self, job_id: str) -> Path:
        return self.job(job_id) / "input"

    def run(self, job_id: str) -> Path:
        """The run folder of a job."""
        return self.job(job_id) / "run"

    def before(self, job_id: str) -> Path:
        """The run of a job before the change that is under way, if there is one."""
        return self.job(job_id) / FOLDER

    def new_draft(self, job_id: str) -> Path:
        """A folder for what a request sends, which becomes the folder of the job."""
        (self.drafts / job_id / "input").mkdir(parents=True)
        return self.drafts / job_id

    def keep(self, job_id: str) -> None:
        """Makes a draft the folder of its job, on disk before this returns."""
        draft = self.drafts / job_id
        for path in (*(draft / "input").iterdir(), draft / "input", draft):
            _sync(path)
        draft.rename(self.job(job_id))
        _sync(self.jobs)

    def add_cameras(self, job_id: str, text: str) -> Path:
        """A new file with the cameras of a job, on disk before this returns."""
        path = self.input(job_id) / f"cameras.{new_id()}.json"
        path.write_text(text, encoding="utf-8")
        _sync(path)
        _sync(path.parent)
        return path

    def drop_draft(self, job_id: str) -> None:
        """Removes a draft, if it is still one."""
        shutil.rmtree(self.drafts / job_id, ignore_errors=True)

    def discard(self, job_id: str) -> None:
        """Removes the folder of a job: renamed first, so that no half of it is ever seen."""
        gone = self.drafts / f"{job_id}.removed"
        with suppress(FileNotFoundError):
            self.job(job_id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        self.drop_thumbnails(job_id)

    def drop_thumbnails(self, run_id: str) -> None:
        """Removes the pictures of a run's scenes."""
        for picture in self.thumbnails.glob(f"{run_id}-*.jpg"):
            picture.unlink(missing_ok=True)

    def sweep(self, is_known: Callable[[str], bool]) -> None:
        """Removes what requests left when the service was killed: drafts, and folders of jobs that were not taken."""
        for draft in self.drafts.iterdir():
            remove(draft)
        for folder in self.jobs.iterdir():
            if not is_known(folder.name):
                remove(folder)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
