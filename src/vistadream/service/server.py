"""`vistadream serve`: binds the socket, starts the parts, serves, and ends them in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from functools import partial
from types import FrameType
from typing import Literal

import uvicorn

from vistadream.service.access.local_key import LocalKey
from vistadream.service.access.open_door import refuse_open_door, tokens_of
from vistadream.service.address import Listener
from vistadream.service.app import make_app
from vistadream.service.data import DataFolder
from vistadream.service.door import Door
from vistadream.service.knobs import ServeKnobs
from vistadream.service.parts import log_folder, service_of, swept, workers_of
from vistadream.service.patience import PatientProtocol
from vistadream.service.problems import LOG
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.service import Service
from vistadream.service.watch.logs import set_up
from vistadream.workers.pool import Pool
from vistadream.workers.slots import Slot, slots, visible_gpus
from vistadream.workers.tuning import kept_choice, tuned

_REQUESTS_END_WITHIN_S = 3


def serve(knobs: ServeKnobs, door: Door | None = None) -> None:
    """Serves until a signal comes. UserError when the address or the data folder cannot be used."""
    door = door or Door()
    data = DataFolder(knobs.data.absolute())
    url = database_url(data.root, knobs.database_env)
    tokens_of(knobs)  # a key file that cannot be read is refused before anything is made
    if not door.has_key:
        refuse_open_door(knobs, url)
    listener = door.listen(knobs)
    try:
        data.make()
        with data.alone():
            set_up(knobs.log_level, log_folder(knobs) / "serve.log")
            store, local = swept(knobs, data, url), door.local_key(data.root)
            asyncio.run(_serve(knobs, data, store, local, listener, door))
    finally:
        listener.close()


def _workers(knobs: ServeKnobs) -> int | Literal["auto"]:
    """The number of workers; for auto without a GPU the one that was measured on this machine."""
    if knobs.workers != "auto" or visible_gpus():
        return knobs.workers
    choice = tuned(LOG.info) if knobs.tune == "auto" else kept_choice()
    return choice.best.workers if choice else "auto"


def _slots(knobs: ServeKnobs) -> Iterator[Slot]:
    """Where workers run, found out when the first one is asked for: that may wait for nvidia-smi, or for a trial."""
    yield from slots(_workers(knobs))


async def _serve(
    knobs: ServeKnobs, data: DataFolder, store: Store, local: LocalKey | None, listener: Listener, door: Door
) -> None:
    pool = workers_of(knobs, _slots(knobs))
    service = service_of(knobs, data, store, pool=pool, local=local)
    server = Server(service, listener, pool, door)
    sending = asyncio.create_task(service.outgoing.sender.run())
    try:
        await server.serve(sockets=[listener.sock])
    finally:
        await asyncio.to_thread(pool.stop)
        await service.stop()
        sending.cancel()


class Server(uvicorn.Server):
    """A server that ends in order: no new jobs, streams end, running jobs have their time; at the second signal now."""

    def __init__(self, service: Service, listener: Listener, pool: Pool, door: Door):
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
        self._service, self._listener, self._pool, self._door = service, listener, pool, door
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Task | None = None

    async def startup(self, sockets: list | None = None) -> None:
        """Starts to accept, says where, and then starts what takes the cores for seconds: the clerk and the workers."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        needs_key = await self._service.entry.needs_key()
        sys.stdout.write("".join(f"{line}\n" for line in self._door.opened(self._listener, needs_key)))
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
