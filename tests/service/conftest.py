"""Databases for tests: a file of SQLite, and a PostgreSQL of Debian where it is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from vistadream.service.store import Store


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of PostgreSQL with a socket alone, which ends with the tests."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or find_spec("psycopg") is None:
        pytest.skip("PostgreSQL or psycopg is not installed")
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    folder = tmp_path_factory.mktemp("pg")
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if own:
        for parent in (folder, folder.parent, folder.parent.parent):
            parent.chmod(0o755)
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
