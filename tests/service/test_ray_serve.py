"""The service on a real Ray cluster and PostgreSQL: the contract of `vistadream serve`, and kills that lose no job."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import MetaData, create_engine
from tests.service import test_server as contract
from tests.service.conftest import Running

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from batch_sites import RayCluster, a_cluster

from vistadream.config.own_file import own_knobs
from vistadream.core import UserError
from vistadream.service.knobs import ServeKnobs
from vistadream.service.ray_serve import serve

VARIABLE = "VISTADREAM_TEST_RAY_QUEUE"
job = contract.job


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """One node with places for two workers."""
    if not find_spec("ray") or not find_spec("grpc_reflection"):
        pytest.skip("Ray Serve, of the extra `ray-serve`, has the replicas")
    with a_cluster(num_cpus=2, num_gpus=2) as made:
        yield made


@pytest.fixture(scope="module")
def service(start: Callable[..., Running], cluster: RayCluster, postgresql: str) -> Iterator[Running]:
    """Two replicas, and up to two workers."""
    words = (f"ray.address={cluster.address}", "ray.replicas=2", f"database_env={VARIABLE}", "workers=auto")
    environment = {**cluster.environment, VARIABLE: postgresql}
    running = start("engine=ray", "min_free_gb=0", "drain_s=0", *words, environment=environment)
    yield running
    assert running.stop() == 0, "a signal ends it in order"
    tables, engine = MetaData(), create_engine(postgresql)
    tables.reflect(engine)
    tables.drop_all(engine)
    engine.dispose()


def processes(cluster: RayCluster, name: str) -> list[psutil.Process]:
    """Those of the cluster's actors of that name."""
    token = "RAY_AUTH_TOKEN_PATH"
    found = [each for each in psutil.process_iter(["cmdline"]) if f"ray::{name}" in (each.info["cmdline"] or [""])[0]]
    return [each for each in found if each.environ().get(token) == cluster.environment[token]]


def test_a_key_file_of_tokens_that_cannot_be_read_is_refused_before_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "postgresql+psycopg://me@127.0.0.1:1/none")
    words = ["engine=ray", f"database_env={VARIABLE}", f"data={tmp_path / 'data'}", f"jwt.key_file={tmp_path / 'gone'}"]
    with pytest.raises(UserError, match=r"gone.*wanted"):
        serve(own_knobs("serve", ServeKnobs, words))
    assert not list(tmp_path.iterdir())


def test_a_picture_becomes_a_scene(service: Running, job: dict[str, Any], tmp_path: Path) -> None:
    contract.test_a_picture_becomes_a_scene(job, service)
    contract.test_the_scene_is_the_file_of_the_run(job, service, tmp_path)
    contract.test_a_file_is_read_in_ranges_and_once(job, service)
    contract.test_only_names_of_the_list_are_files("../run.json", job, service)
    contract.test_a_range_that_is_none_is_a_problem("bytes=999999999-", 416, job, service)
    contract.test_the_report_reaches_nothing_of_the_service(job, service)
    contract.test_the_log_is_that_of_the_run(job, service)


def test_events_and_sockets_have_each_line_once(service: Running, job: dict[str, Any]) -> None:
    contract.test_events_are_the_lines_of_the_file_and_end_with_the_state(job, service)
    contract.test_a_stream_goes_on_exactly_after_the_last_event(1, job, service)
    contract.test_a_bad_last_event_is_a_problem("x", job, service)
    contract.test_a_socket_has_the_same_lines(job, service)
    contract.test_the_stage_is_known_from_its_progress_when_it_began_long_ago(job, service)


def test_many_listeners_see_a_job_while_it_runs_and_cancel_it(service: Running) -> None:
    contract.test_many_listeners_see_a_job_while_it_runs_and_cancel_it(service)


def test_a_cancelled_job_goes_on_and_a_broken_picture_has_its_sentence(service: Running) -> None:
    contract.test_a_cancelled_job_goes_on_with_other_knobs(service)
    contract.test_a_picture_that_breaks_in_the_worker_is_the_sentence_of_the_command_line(service)


def test_a_killed_replica_and_a_killed_actor_lose_no_job(service: Running, cluster: RayCluster) -> None:
    ids = [service.submit({"seed": number}).json()["id"] for number in range(4)]
    service.wait_for(ids[0], "running", "done")
    for name in ("ServeReplica", "Host"):
        os.kill(processes(cluster, name)[0].pid, signal.SIGKILL)
    assert [service.wait_for(id, "done", "failed", within_s=300)["state"] for id in ids] == ["done"] * 4
