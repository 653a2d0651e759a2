"""The parts of a service, connected: for one process that answers requests, and for each replica on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vistadream.runs.paths import RunPaths
from vistadream.service.access.entry import Entry
from vistadream.service.access.keys import Keys
from vistadream.service.access.local_key import LocalKey
from vistadream.service.access.open_door import tokens_of
from vistadream.service.access.quota import Quota
from vistadream.service.access.rates import Rates
from vistadream.service.access.sessions import Sessions
from vistadream.service.access.tickets import Tickets
from vistadream.service.cache.cache import Cache, open_cache
from vistadream.service.data import DataFolder
from vistadream.service.intake.clerk import Clerk
from vistadream.service.knobs import ServeKnobs
from vistadream.service.outgoing.parts import outgoing_of
from vistadream.service.queue.store import Store
from vistadream.service.queue.worker import pool_of
from vistadream.service.service import Service
from vistadream.service.tails import Tails
from vistadream.service.watch.metrics import Sources
from vistadream.service.watch.timings import New
from vistadream.workers.pool import Pool
from vistadream.workers.slots import Slot


def swept(knobs: ServeKnobs, data: DataFolder, url: str) -> Store:
    """The queue of a data folder, from which what killed processes left is removed. Nobody may answer requests then."""
    store = Store(url)
    data.sweep(lambda job_id: store.get(job_id) is not None)
    cache = open_cache(knobs.cache, data.root, store.database)
    cache.sweep()
    cache.trim()
    return store


def service_of(
    knobs: ServeKnobs,
    data: DataFolder,
    store: Store,
    pool: Pool | None = None,
    local: LocalKey | None = None,
    tickets: Tickets | None = None,
) -> Service:
    """A service on a queue. `pool`: its workers; None where they run elsewhere.

    `local`: the key of the one user whom it is for; `tickets`: those of several processes, None: of this one.
    """

    def state_of(job_id: str) -> str | None:
        row = store.get(job_id)
        return row.state if row else None

    keys, sessions, tokens = Keys(store.database), Sessions(store.database), tokens_of(knobs)
    entry = Entry(keys, Rates(knobs.limits), sessions, tokens, knobs.is_exposed, local, tickets)
    tails = Tails(lambda job_id: RunPaths(data.run(job_id)).events, state_of)
    outgoing = outgoing_of(knobs.outgoing, store.database)
    cache = open_cache(knobs.cache, data.root, store.database)
    quota = Quota(knobs.quota, store)
    service = Service(
        knobs, data, store, Clerk(knobs.allow_noncommercial), tails, entry, quota, outgoing, cache, pool=pool
    )
    service.metrics.read(_sources(service, cache))
    return service


def _sources(service: Service, cache: Cache) -> Sources:
    pool = service.pool
    return Sources(
        jobs=service.store.counts,
        listeners=lambda: service.listeners,
        restarts=None if pool is None else lambda: pool.restarts,
        free_bytes=service.data.free_bytes,
        deliveries=service.outgoing.deliveries.counts,
        cache=lambda: (cache.hits, cache.misses),
        ended=New(service.timings),
    )


def workers_of(knobs: ServeKnobs, slots: Iterable[Slot]) -> Pool:
    """The workers of a service in these slots, not yet started."""
    return pool_of(
        knobs.data,
        slots,
        knobs.database_env,
        jobs=knobs.worker_jobs,
        rss_gb=knobs.worker_rss_gb,
        deaths=knobs.worker_deaths,
        idle_unload_s=knobs.idle_unload_s,
        min_free_gb=knobs.min_free_gb,
        log_level=knobs.log_level,
        log_dir=log_folder(knobs).absolute(),
        **knobs.cache.place,
    )


def log_folder(knobs: ServeKnobs) -> Path:
    """Where the log files are."""
    return knobs.log_dir or knobs.data.absolute() / "logs"
