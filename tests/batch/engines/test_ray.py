"""A batch over a real Ray cluster: nodes that are killed and added, a driver that is killed, and who is not let in."""

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from batch_engines import TWICE, holds, ray_under_kills, ray_words
from batch_sites import Drive, RayCluster

from vistadream.core import UserError
from vistadream.workers.cluster.joining import check_cluster


def test_killed_and_added_nodes_and_a_killed_driver_lose_nothing(
    drive: Callable[..., Drive], ray_cluster: RayCluster
) -> None:
    batch = drive(8, *ray_words(ray_cluster), **ray_cluster.environment)
    found = ray_under_kills(batch, ray_cluster)
    assert holds(found), (found, batch.said())
    assert found["begun_again"] <= TWICE


def test_pictures_behind_a_url_are_fetched_by_the_actors(
    drive: Callable[..., Drive], ray_cluster: RayCluster, uploaded: Callable[[Drive], str]
) -> None:
    batch = drive(2, *ray_words(ray_cluster), **ray_cluster.environment)
    batch.start(uploaded(batch))
    assert batch.wait() == 0, batch.said()
    assert batch.names() == {"0.png", "1.png"}


def test_a_wrong_token_is_refused(ray_cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ray_cluster.environment.items():
        monkeypatch.setenv(name, value)
    grpc = import_module("grpc")
    check_cluster(grpc, ray_cluster.address, insecure=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 64)
    with pytest.raises(UserError, match="refuses this token; wanted that of its head node"):
        check_cluster(grpc, ray_cluster.address, insecure=False)


def test_no_cluster_at_the_address_is_one_sentence(drive: Callable[..., Drive]) -> None:
    pytest.importorskip("grpc", reason="grpcio, of the extra `ray`, asks the cluster")
    batch = drive(1, "engine=ray", "ray.address=127.0.0.1:1", RAY_AUTH_TOKEN="0" * 64)
    batch.start()
    assert batch.wait() == 2, batch.said()
    assert "there is no Ray cluster at 127.0.0.1:1; wanted one" in batch.said()
    assert "Traceback" not in batch.said()


def test_without_ray_the_sentence_says_how_to_get_it(drive: Callable[..., Drive], tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "ray.py").write_text("raise ImportError('hidden')")
    path = os.pathsep.join([str(tmp_path / "hidden"), os.environ.get("PYTHONPATH", "")])
    batch = drive(1, "engine=ray", PYTHONPATH=path, RAY_AUTH_TOKEN="0" * 64)
    batch.start()
    assert batch.wait() == 2, batch.said()
    assert "pip install 'vistadream[ray]'" in batch.said()
