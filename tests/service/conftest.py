"""Real parts for the tests of the service: databases, `vistadream serve` as a process, its application in this one."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from vistadream.assets import sample_image
from vistadream.config.own_file import own_knobs
from vistadream.service.access.entry import Entry
from vistadream.service.access.keys import Keys
from vistadream.service.access.local_key import LocalKey
from vistadream.service.access.open_door import tokens_of
from vistadream.service.access.quota import Quota
from vistadream.service.access.rates import Rates
from vistadream.service.access.sessions import Sessions
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

SMALLEST = {
    "stage": "no-outpaint",
    "max_resolution": 32,
    "recipe": "quick",
    "stages.initialize.steps": 1,
    "export": ["gaussians", "metrics", "report"],
    "flight.frames": 2,
}
"""Knobs of a job of the real pipeline that takes about a second."""
PROGRAM = (sys.executable, "-m", "vistadream", "serve")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
PROXIES = dict.fromkeys(("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy"), "socks5://127.0.0.1:1")
"""Variables of an environment in which no proxy is there."""


@dataclass
class Running:
    """A service that runs."""

    process: subprocess.Popen
    data: Path
    client: httpx.Client
    lines: list[str]
    """What it printed when it was ready."""

    def submit(self, knobs: dict[str, Any] | None = None, parts: dict[str, str] | None = None, **how: Any):
        """Posts the sample picture with the smallest knobs and these."""
        with sample_image().open("rb") as picture:
            texts = {"knobs": json.dumps(SMALLEST | (knobs or {})), **(parts or {})}
            return self.client.post("/v1/predict", files={"file": ("sample.png", picture)}, data=texts, **how)

    def wait_for(self, job_id: str, *states: str, within_s: float = 120) -> dict[str, Any]:
        """The job once it is in one of the states."""
        end = time.monotonic() + within_s
        while (job := self.client.get(f"/v1/jobs/{job_id}").json())["state"] not in states:
            assert time.monotonic() < end, job
            time.sleep(0.1)
        return job

    def nothing_is_left(self) -> bool:
        """Whether no draft is on disk, and no folder but those of jobs."""
        jobs = {job["id"] for job in self.client.get("/v1/jobs", params={"limit": 500}).json()["jobs"]}
        folders = {folder.name for folder in (self.data / "jobs").iterdir()}
        return not list((self.data / "drafts").iterdir()) and folders == jobs

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port that nobody listens on."""

    def port() -> int:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return sock.getsockname()[1]

    return port


@pytest.fixture(scope="session")
def refusal() -> Callable[..., str]:
    """What `vistadream serve` says when it refuses its words, with exit code 2 and without a traceback."""

    def said(*words: str) -> str:
        done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    return said


@contextmanager
def services(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Start]:
    """Starts services, and ends them after the block. Without a word about the cache there is none."""
    started: list[Running] = []

    def begin(
        *words: str,
        data: Path | None = None,
        uds: Path | None = None,
        port: str | None = None,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        data = data or tmp_path_factory.mktemp("data")
        where = f"uds={uds}" if uds else f"port={port or free_port()}"
        own = [] if any(word.startswith("cache.") for word in words) else ["cache.enabled=false"]
        own += [] if any(word.startswith("workers=") for word in words) else ["workers=1"]
        with log.open("wb") if log else nullcontext() as stderr:
            command = [*PROGRAM, where, f"data={data}", *own, *words]
            own_environment = {**ENVIRONMENT, **(environment or {})}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=own_environment)
        lines = [process.stdout.readline().strip() for _ in range(1 if uds else 2)]
        transport = httpx.HTTPTransport(uds=str(uds)) if uds else None
        url = "http://localhost" if uds else lines[0].split()[-1]
        client = httpx.Client(base_url=url, transport=transport, timeout=60, trust_env=False)
        started.append(Running(process, data, client, lines))
        return started[-1]

    try:
        yield begin
    finally:
        for running in started:
            running.client.close()
            running.stop()
            running.process.stdout.close()
            shutil.rmtree(running.data, ignore_errors=True)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Start]:
    """Starts services, which end after the last test of the file."""
    with services(tmp_path_factory, free_port) as begin:
        yield begin


@pytest.fixture(scope="module")
def service(start: Start) -> Running:
    """One service for a file of tests; nobody works on its jobs."""
    return start("min_free_gb=0", "workers=0", "drain_s=0")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a server of PostgreSQL with a socket alone, which ends with the tests."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or find_spec("psycopg") is None:
        pytest.skip("PostgreSQL or psycopg is not installed")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    folder = Path(tempfile.mkdtemp(prefix="vistadream-pg-"))  # pytest's own folder is closed to other users
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if own:
        shutil.chown(folder, "postgres")
    socket = folder / "socket"
    subprocess.run([*own, "mkdir", socket], check=True)
    bin, data = programs[-1], folder / "data"
    subprocess.run([*own, bin / "initdb", "-A", "trust", "-U", "postgres", "-D", data], check=True, capture_output=True)
    options = f"-c listen_addresses='' -c unix_socket_directories={socket} -c fsync=off"
    start = [*own, bin / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start"]
    subprocess.run(start, check=True, capture_output=True)
    try:
        yield f"postgresql+psycopg://postgres@/postgres?host={socket}"
    finally:
        subprocess.run([*own, bin / "pg_ctl", "-D", data, "-m", "fast", "stop"], check=True, capture_output=True)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'queue.db'}"
        return
    url = request.getfixturevalue("postgresql")
    yield url
    from sqlalchemy import MetaData, create_engine

    engine = create_engine(url)
    tables = MetaData()
    tables.reflect(engine)
    tables.drop_all(engine)
    engine.dispose()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


@dataclass
class House:
    """An application and what it works with."""

    app: FastAPI
    service: Service

    @property
    def keys(self) -> Keys:
        return self.service.entry.keys

    def ask(
        self,
        method: str,
        path: str,
        key: str | None = None,
        address: str = "1.2.3.4",
        cookies: Mapping[str, str] | None = None,
        **how: Any,
    ):
        """The answer to a request with a key or cookies, from an address."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}

        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
                return await client.request(method, path, **{"headers": headers, **how})

        return asyncio.run(answer())

    def job(self, owner: str, **fields: Any) -> str:
        """A queued job of an owner; its id."""
        return self.service.store.add(JobRow(id=new_id(), owner=owner, **fields)).id


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Makes an application from words of the command line."""
    stores: list[Store] = []

    def make(*words: str, exposed: bool = False, local: LocalKey | None = None) -> House:
        knobs = own_knobs("serve", ServeKnobs, [f"data={tmp_path}", "min_free_gb=0", *words])
        data = DataFolder(tmp_path)
        data.make()
        stores.append(store := Store(database_url(tmp_path)))
        keys, sessions = Keys(store.database), Sessions(store.database)
        entry = Entry(keys, Rates(knobs.limits), sessions, tokens_of(knobs), exposed, local)
        cache = open_cache(knobs.cache, tmp_path, store.database)
        outgoing = outgoing_of(knobs.outgoing, store.database)
        tails = Tails(lambda job_id: data.run(job_id), lambda job_id: "done")
        service = Service(knobs, data, store, Clerk(), tails, entry, Quota(knobs.quota, store), outgoing, cache)
        return House(make_app(service), service)

    yield make
    for store in stores:
        store.close()
