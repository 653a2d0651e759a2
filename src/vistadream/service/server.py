"""`vistadream serve`: binds the socket, starts the parts, serves, and ends them in order."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Literal

import uvicorn

from vistadream.runs.paths import RunPaths
from vistadream.service.access.entry import Entry
from vistadream.service.access.keys import Keys
from vistadream.service.access.open_door import refuse_open_door, tokens_of
from vistadream.service.access.quota import Quota
from vistadream.service.access.rates import Rates
from vistadream.service.address import Listener, listen
from vistadream.service.app import make_app
from vistadream.service.cache.cache import Cache, open_cache
from vistadream.service.data import DataFolder
from vistadream.service.intake.clerk import Clerk
from vistadream.service.knobs import ServeKnobs
from vistadream.service.outgoing.parts import outgoing_of
from vistadream.service.patience import PatientProtocol
from vistadream.service.problems import LOG
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.queue.worker import pool_of
from vistadream.service.service import Service
from vistadream.service.tails import Tails
from vistadream.service.watch.logs import set_up
from vistadream.service.watch.metrics import Sources
from vistadream.service.watch.timings import New
from vistadream.workers.pool import Pool
from vistadream.workers.slots import visible_gpus
from vistadream.workers.tuning import kept_choice, tuned

_REQUESTS_END_WITHIN_S = 3


def serve(knobs: ServeKnobs) -> None:
    """Serves until a signal comes. UserError when the address or the data folder cannot be used."""
    data = DataFolder(knobs.data.absolute())
    url, tokens = database_url(data.root, knobs.database_env), tokens_of(knobs)
    refuse_open_door(knobs, url)
    listener = listen(knobs)
    try:
        data.make()
        with data.alone():
            set_up(knobs.log_level, _log_folder(knobs) / "serve.log")
            store = Store(url)
            data.sweep(lambda job_id: store.get(job_id) is not None)
            cache = open_cache(knobs.cache, data.root, store.database)
            cache.sweep()
            cache.trim()
            entry = Entry(Keys(store.database), Rates(knobs.limits), tokens, knobs.is_exposed)
            asyncio.run(_serve(knobs, data, store, cache, entry, listener))
    finally:
        listener.close()


def _log_folder(knobs: ServeKnobs) -> Path:
    return knobs.log_dir or knobs.data.absolute() / "logs"


def _workers(knobs: ServeKnobs) -> int | Literal["auto"]:
    """The number of workers; for auto without a GPU the one that was measured on this machine."""
    if knobs.workers != "auto" or visible_gpus():
        return knobs.workers
    choice = tuned(LOG.info) if knobs.tune == "auto" else kept_choice()
    return choice.best.workers if choice else "auto"


async def _serve(
    knobs: ServeKnobs, data: DataFolder, store: Store, cache: Cache, entry: Entry, listener: Listener
) -> None:
    def state_of(job_id: str) -> str | None:
        row = store.get(job_id)
        return row.state if row else None

    pool = pool_of(
        data.root,
        await asyncio.to_thread(_workers, knobs),
        knobs.database_env,
        jobs=knobs.worker_jobs,
        rss_gb=knobs.worker_rss_gb,
        deaths=knobs.worker_deaths,
        idle_unload_s=knobs.idle_unload_s,
        min_free_gb=knobs.min_free_gb,
        log_level=knobs.log_level,
        log_dir=_log_folder(knobs).absolute(),
        **knobs.cache.place,
    )
    clerk = Clerk()
    tails = Tails(lambda job_id: RunPaths(data.run(job_id)).events, state_of)
    quota = Quota(knobs.quota, store)
    outgoing = outgoing_of(knobs.outgoing, store.database)
    service = Service(knobs, data, store, clerk, tails, entry, quota, outgoing, cache)
    service.metrics.read(
        Sources(
            jobs=store.counts,
            listeners=lambda: service.listeners,
            restarts=lambda: pool.restarts,
            free_bytes=data.free_bytes,
            deliveries=outgoing.deliveries.counts,
            cache=lambda: (cache.hits, cache.misses),
            ended=New(service.timings),
        )
    )
    server = Server(service, listener, pool)
    sending = asyncio.create_task(outgoing.sender.run())
    try:
        await server.serve(sockets=[listener.sock])
    finally:
        await asyncio.to_thread(pool.stop)
        await clerk.stop()
        sending.cancel()


class Server(uvicorn.Server):
    """A server that ends in order: no new jobs, streams end, running jobs have their time; at the second signal now."""

    def __init__(self, service: Service, listener: Listener, pool: Pool):
        config = uvicorn.Config(
            make_app(service),
            log_config=None,
            access_log=False,
            proxy_headers=bool(service.knobs.proxies),
            forwarded_allow_ips=service.knobs.proxies,
            server_header=False,
            lifespan="off",
            http=partial(PatientProtocol, head_s=service.knobs.head_s),  # type: ignore[arg-type]  # it is called alone
            ws="websockets-sansio",
            timeout_graceful_shutdown=_REQUESTS_END_WITHIN_S,
        )
        super().__init__(config)
        self._service, self._listener, self._pool = service, listener, pool
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Task | None = None

    async def startup(self, sockets: list | None = None) -> None:
        """Starts to accept, says where, and then starts what takes the cores for seconds: the clerk and the workers."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        needs_key = await self._service.entry.needs_key()
        sys.stdout.write("".join(f"{line}\n" for line in self._listener.remarks(needs_key)))
        sys.stdout.flush()
        await self._service.clerk.start()
        await asyncio.to_thread(self._pool.start)

    def handle_exit(self, _: int, __: FrameType | None) -> None:
        """Called for each signal, between any two instructions: the loop does the work."""
        self._loop.call_soon_threadsafe(self._asked_to_end)

    def _asked_to_end(self) -> None:
        if self._end is None:
            self._end = self._loop.create_task(self._drain())
        else:
            self._pool.stop_now()
            self.should_exit = self.force_exit = True

    async def _drain(self) -> None:
        """Jobs that run go on for a while; those that do not end in it go on at the next start."""
        self._service.closing.set()
        self._service.tails.close()
        self._service.news.close()
        await asyncio.to_thread(self._pool.stop, self._service.knobs.drain_s)
        self.should_exit = True
