"""An application with its gate, in this process: what a key opens is decided by no socket."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from vistadream.config.own_file import own_knobs
from vistadream.service.access.entry import Entry
from vistadream.service.access.keys import Keys
from vistadream.service.access.open_door import tokens_of
from vistadream.service.access.quota import Quota
from vistadream.service.access.rates import Rates
from vistadream.service.app import make_app
from vistadream.service.cache.cache import open_cache
from vistadream.service.data import DataFolder
from vistadream.service.intake.clerk import Clerk
from vistadream.service.knobs import ServeKnobs
from vistadream.service.outgoing.parts import outgoing_of
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id
from vistadream.service.service import Service
from vistadream.service.tails import Tails


@dataclass
class House:
    """An application and what it works with."""

    app: FastAPI
    service: Service

    @property
    def keys(self) -> Keys:
        return self.service.entry.keys

    def ask(self, method: str, path: str, key: str | None = None, address: str = "1.2.3.4", **how: Any):
        """The answer to a request with a key, from an address."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}

        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **{"headers": headers, **how})

        return asyncio.run(answer())

    def job(self, owner: str, **fields: Any) -> str:
        """A queued job of an owner; its id."""
        return self.service.store.add(JobRow(id=new_id(), owner=owner, **fields)).id


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes an application from words of the command line."""
    stores: list[Store] = []

    def make(*words: str, exposed: bool = False) -> House:
        knobs = own_knobs("serve", ServeKnobs, [f"data={tmp_path}", "min_free_gb=0", *words])
        data = DataFolder(tmp_path)
        data.make()
        stores.append(store := Store(database_url(tmp_path)))
        entry = Entry(Keys(store.database), Rates(knobs.limits), tokens_of(knobs), exposed)
        cache = open_cache(knobs.cache, tmp_path, store.database)
        outgoing = outgoing_of(knobs.outgoing, store.database)
        tails = Tails(lambda job_id: data.run(job_id), lambda job_id: "done")
        service = Service(knobs, data, store, Clerk(), tails, entry, Quota(knobs.quota, store), outgoing, cache)
        return House(make_app(service), service)

    yield make
    for store in stores:
        store.close()
