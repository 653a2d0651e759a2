"""Real parts for tests of the engines: those of benchmarks/batch_sites.py, where they can be had."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from batch_sites import SLURM_PROGRAMS, Drive, RayCluster, Site, a_cluster


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Drive]]:
    """Makes a batch with that many pictures."""
    made = []

    def make(count: int, *engine: str, **environment: str) -> Drive:
        made.append(each := Drive(tmp_path, count, environment, engine))
        each.draw()
        return each

    yield make
    for each in made:
        each.end()


@pytest.fixture(scope="session")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A SLURM that runs."""
    pytest.importorskip("submitit", reason="submitit, of the extra `slurm`, gives the tasks to SLURM")
    if missing := [name for name in SLURM_PROGRAMS if not shutil.which(name)]:
        pytest.skip(f"there is no {', '.join(missing)}: Debian's slurmctld, slurmd, slurm-client and munge have them")
    if os.getuid():
        pytest.skip("a SLURM of one's own is started by root")
    made = Site(tmp_path_factory.mktemp("slurm"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def site(own_site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """That SLURM without jobs, also for commands of this process."""
    for name, value in own_site.environment.items():
        monkeypatch.setenv(name, value)
    yield own_site
    own_site.clear()


@pytest.fixture(scope="module")
def ray_cluster(s3_environment: dict[str, str]) -> Iterator[RayCluster]:
    """A head and two nodes, with the keys of the S3."""
    if not find_spec("ray"):
        pytest.skip("ray, of the extra `ray`, is the cluster")
    with mock.patch.dict(os.environ, s3_environment), a_cluster(num_cpus=0) as made:
        made.grow()
        made.grow()
        yield made


@pytest.fixture
def uploaded(s3: str) -> Callable[[Drive], str]:
    """Puts the pictures of a batch into the S3; the word that names them there."""
    fsspec = import_module("fsspec")

    def put(batch: Drive) -> str:
        fsspec.filesystem("s3").put(f"{batch.folder / 'photos'}/", f"{s3}/photos/", recursive=True)
        return f"images={s3}/photos"

    return put
