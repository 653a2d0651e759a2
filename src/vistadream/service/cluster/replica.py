"""One replica of the service: the application of `vistadream serve`, on a shared disk and a shared queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from vistadream.service.access.tickets import Tickets
from vistadream.service.app import make_app
from vistadream.service.cluster.setting import Setting
from vistadream.service.parts import service_of
from vistadream.service.queue.store import Store
from vistadream.service.service import Service
from vistadream.service.watch.logs import set_up

_LOOK_S = 0.25


def replica(setting: Setting) -> FastAPI:
    """The application of one replica. It keeps nothing that another one would need."""
    setting.enter()
    set_up(setting.knobs.log_level)
    tickets = Tickets(setting.ticket_secret)
    service = service_of(setting.knobs, setting.data, Store(setting.url), tickets=tickets)
    app = make_app(service)
    if setting.knobs.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=setting.knobs.proxies)
    app.router.lifespan_context = partial(_living, service, setting)
    return app


@asynccontextmanager
async def _living(service: Service, setting: Setting, app: FastAPI) -> AsyncIterator[None]:
    """What goes on besides the requests, for as long as the replica lives."""
    await service.clerk.start()
    tasks = [asyncio.create_task(service.outgoing.sender.run()), asyncio.create_task(_closes(service, setting))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await service.stop()
        service.store.close()


async def _closes(service: Service, setting: Setting) -> None:
    """Takes no more jobs, and ends all streams, once the service is stopping."""
    while not setting.closing.exists():
        await asyncio.sleep(_LOOK_S)
    service.closing.set()
    service.tails.close()
    service.news.close()
