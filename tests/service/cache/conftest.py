"""Indexes of each kind, and runs that are made of files alone."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vistadream.service.cache.cache import Cache
from vistadream.service.cache.index import Index, TableIndex
from vistadream.service.cache.redis_index import RedisIndex
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id

PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server that listens on a socket file alone and asks for PASSWORD; it ends with the tests."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    settings = ["--port", "0", "--unixsocket", folder / "s", "--dir", folder, "--save", "", "--requirepass", PASSWORD]
    process = subprocess.Popen([program, *settings], stdout=subprocess.DEVNULL)
    while not (folder / "s").exists():
        assert process.poll() is None
        time.sleep(0.02)
    yield f"unix://{folder / 's'}"
    process.terminate()
    process.wait()


@pytest.fixture(params=["table", "redis"])
def index(request: pytest.FixtureRequest, store: Store) -> Index:
    """An empty index of each kind."""
    if request.param == "table":
        return TableIndex(store.database)
    index = RedisIndex(request.getfixturevalue("redis_url"), PASSWORD)
    index._redis.flushdb()
    return index


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The database is SQLite here; tests/service/queue has both kinds."""
    return f"sqlite:///{tmp_path / 'queue.db'}"


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """The folder of the jobs."""
    (tmp_path / "jobs").mkdir()
    return tmp_path / "jobs"


@pytest.fixture
def cache(tmp_path: Path, index: Index) -> Cache:
    """A cache that keeps 1 MB."""
    return Cache(tmp_path / "cache", index, 1_000_000)


@pytest.fixture
def run_job(store: Store, jobs: Path) -> Callable[..., JobRow]:
    """Makes a job that was run under a key, with a run folder of the given size in bytes."""

    def made(key: str, size: int = 100, state: str = "done") -> JobRow:
        job = JobRow(new_id(), state=state, result_key=key, scene_key=f"scene of {key}", input_name="a photo.jpg")
        run = jobs / job.id / "run"
        (run / "export").mkdir(parents=True)
        (run / "export" / "gaussians.ply").write_bytes(key.encode().ljust(size, b"."))
        (run / "results.json").write_text(f'{{"key": "{job.scene_key}", "files": ["export/gaussians.ply"]}}')
        (run / "run.json").write_text(f'{{"overrides": ["image={jobs / job.id}/input/a photo.jpg"]}}')
        (run / "events.jsonl").write_text(f'{{"value": {{"folder": "{run}"}}}}\n')
        (run / "run.log").write_text(f"{run}: begins\n")
        (run / "run.lock").touch()
        return store.add(job)

    return made
