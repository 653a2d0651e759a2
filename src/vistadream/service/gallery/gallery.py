"""Jobs and other runs together, as one person sees them: the newest first, searched, named, deleted after a while."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vistadream.service.access.caller import LOCAL_OWNER
from vistadream.service.brief import Brief
from vistadream.service.gallery.elsewhere import OtherRun, runs_in
from vistadream.service.gallery.marks import Marks
from vistadream.service.gallery.tables import Mark
from vistadream.service.problems import ProblemError
from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Service

UNDO_S = 10.0
_LOOK_S = 2.0
"""How long the list of other runs is kept."""
_PAGE = 500


@dataclass(frozen=True)
class Entry:
    """A job or another run, with what its owner says about it."""

    run: JobRow | OtherRun
    mark: Mark

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def name(self) -> str:
        """That it was given, else that of its picture, its prompt or its folder."""
        if self.mark.name:
            return self.mark.name
        if isinstance(self.run, OtherRun):
            return self.run.folder.parent.name
        prompts = [word.partition("=")[2].strip("'\"") for word in self.run.words if word.startswith("prompt=")]
        return Path(self.run.input_name).stem or next(iter(prompts), self.run.id)[:200]

    @property
    def words(self) -> list[str]:
        """Its overrides, as text."""
        given = self.run.words if isinstance(self.run, JobRow) else self.run.facts().get("overrides")
        return [str(word)[:500] for word in given] if isinstance(given, list | tuple) else []

    def has(self, text: str) -> bool:
        """Whether a text is in the name, a tag, a knob, the prompt or the date."""
        date = time.strftime("%Y-%m-%d", time.localtime(self.run.created_s))
        return any(text.lower() in each.lower() for each in (self.name, date, self.id, *self.mark.tags, *self.words))


class Gallery:
    """The entries of each owner. Runs of other folders are those of the one who runs the service."""

    def __init__(self, service: Service):
        self._service, self._folders = service, [Path(folder).absolute() for folder in service.knobs.gallery]
        self._others = Brief(lambda: runs_in(self._folders), _LOOK_S)

    @cached_property
    def marks(self) -> Marks:
        return Marks(self._service.store.database)

    def page(self, owner: str, text: str | None, state: str | None, before: str | None, limit: int) -> list[Entry]:
        """Entries, the newest first. `before`: the last id of the last page."""
        found: list[Entry] = []
        for entry in self._entries(owner, state, before):
            if (state is None or entry.run.state == state) and (not text or entry.has(text)):
                found.append(entry)
            if len(found) == limit:
                break
        return found

    def get(self, owner: str, id: str) -> Entry:
        """The entry of an id; ProblemError 404 where the owner has none."""
        mark = self.marks.of(owner).get(id, Mark())
        row = self._service.store.get(id)
        if row and row.owner == owner:
            return Entry(row, mark)
        for run in self._others_of(owner):
            if run.id == id:
                return Entry(run, mark)
        raise ProblemError(404, f"{id[:64]!r} is not a run of yours; wanted an id of the gallery")

    def delete(self, owner: str, entry: Entry) -> float:
        """Hides a job, which is removed when the time for undoing is over; that time, in seconds since 1970."""
        if not isinstance(entry.run, JobRow):
            raise ProblemError(409, "this run is in a folder that the service never changes; wanted a job of its own")
        if entry.run.state == "running":
            raise ProblemError(409, "the job is running; wanted one that does not: cancel it first")
        now_s = time.time()
        self.marks.change(owner, entry.id, deleted_s=now_s)
        return now_s + UNDO_S

    def sweep(self) -> None:
        """Removes the jobs whose time for undoing is over; one that runs again by then is shown again."""
        for owner, id in self.marks.deleted_before(time.time() - UNDO_S):
            if self._service.store.remove(id) or self._service.store.get(id) is None:
                self._service.data.discard(id)
                self._service.cache.trim()
                self.marks.forget(owner, id)
            else:
                self.marks.change(owner, id, deleted_s=None)

    def _entries(self, owner: str, state: str | None, before: str | None) -> Iterator[Entry]:
        marks = self.marks.of(owner)
        others: Iterator[JobRow | OtherRun] = (
            run for run in self._others_of(owner) if before is None or run.id < before
        )
        jobs: Iterator[JobRow | OtherRun] = self._jobs(owner, state, before)
        for run in heapq.merge(jobs, others, key=lambda run: run.id, reverse=True):
            mark = marks.get(run.id, Mark())
            if mark.deleted_s is None:
                yield Entry(run, mark)

    def _jobs(self, owner: str, state: str | None, before: str | None) -> Iterator[JobRow]:
        while rows := self._service.store.page(owner, state=state, before=before, limit=_PAGE):
            yield from rows
            before = rows[-1].id

    def _others_of(self, owner: str) -> list[OtherRun]:
        return self._others() if owner == LOCAL_OWNER else []
