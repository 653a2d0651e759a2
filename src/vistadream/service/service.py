"""What the routes work with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Path
from fastapi.requests import HTTPConnection

from vistadream.runs.paths import RunPaths
from vistadream.service.access.caller import Asking, Caller
from vistadream.service.access.entry import Entry
from vistadream.service.access.quota import Quota
from vistadream.service.brief import Brief
from vistadream.service.cache.cache import Cache
from vistadream.service.cache.delivery import Delivery
from vistadream.service.data import DataFolder
from vistadream.service.gallery.painter import Painter
from vistadream.service.intake.clerk import Clerk
from vistadream.service.knobs import ServeKnobs
from vistadream.service.models import ID
from vistadream.service.news import News
from vistadream.service.outgoing.parts import Outgoing
from vistadream.service.problems import ProblemError
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow
from vistadream.service.tails import Tails
from vistadream.service.watch.metrics import Metrics
from vistadream.service.watch.timings import Timings
from vistadream.workers.pool import Pool

if TYPE_CHECKING:
    from vistadream.service.gallery.gallery import Gallery

_EXPECTED_S = 2.0


@dataclass
class Service:
    """The parts of a running service."""

    knobs: ServeKnobs
    data: DataFolder
    store: Store
    clerk: Clerk
    tails: Tails
    entry: Entry
    quota: Quota
    outgoing: Outgoing
    cache: Cache
    painter: Painter = field(default_factory=Painter)
    metrics: Metrics = field(default_factory=Metrics)
    pool: Pool | None = None
    """The workers, where they are processes of this service."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service was asked to stop: no new jobs, and streams end."""

    @cached_property
    def timings(self) -> Timings:
        """How long jobs took."""
        return Timings(self.store.database)

    @cached_property
    def expected(self) -> Brief[dict[str, float]]:
        """How long jobs with these knobs took, as `Timings.expected`, a few seconds ago."""
        return Brief(self.timings.expected, _EXPECTED_S)

    @property
    def delivery(self) -> Delivery:
        """Ends jobs by the results of the cache."""
        return Delivery(self.store, self.cache, self.data.jobs)

    @cached_property
    def news(self) -> News:
        """What happens to all jobs."""
        return News(self.store, lambda job_id: RunPaths(self.data.run(job_id)).events)

    @cached_property
    def gallery(self) -> Gallery:
        """The jobs and other runs, as people look through them."""
        from vistadream.service.gallery.gallery import Gallery

        return Gallery(self)

    @property
    def listeners(self) -> int:
        """How many streams of events are open."""
        return self.tails.listeners + self.news.listeners

    async def stop(self) -> None:
        """Ends the processes that help to answer requests."""
        await self.clerk.stop()
        await self.painter.stop()

    def job(self, job_id: str, caller: Caller) -> JobRow:
        """The caller's job of that id; ProblemError 404 when there is none."""
        row = self.store.get(job_id)
        if row is None or row.owner != caller.owner:
            raise ProblemError(404, f"{job_id[:64]!r} is not a job of yours; wanted an id that predict answered")
        return row

    def refuse_while_closing(self) -> None:
        """ProblemError 503 when the service was asked to stop."""
        if self.closing.is_set():
            raise ProblemError(503, "the service is stopping; wanted a moment", headers={"Retry-After": "10"})

    def refuse_without_room(self, more_bytes: int = 0) -> None:
        """ProblemError 507 when the disk is nearly full, or would be with more_bytes on it."""
        if (free := (self.data.free_bytes() - more_bytes) / 1e9) < self.knobs.min_free_gb:
            wanted = f"wanted min_free_gb={self.knobs.min_free_gb:g}: delete jobs, or free some of the disk"
            raise ProblemError(507, f"{free:.1f} GB are free where the jobs are; {wanted}")


async def service_of(connection: HTTPConnection) -> Service:
    """The service that a request or a socket is sent to. A plain function would wait for a thread each time."""
    return connection.app.state.service


JobId = Annotated[str, Path(description="As predict answered it.", max_length=64, examples=[ID])]
Here = Annotated[Service, Depends(service_of)]


def job_of(job_id: JobId, service: Here, caller: Asking) -> JobRow:
    """The job that a path names; ProblemError 404 when the caller has none of that id."""
    return service.job(job_id, caller)


Named = Annotated[JobRow, Depends(job_of)]
