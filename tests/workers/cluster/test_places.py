"""One worker on each GPU or share of one, or one on the processors of each node."""

from typing import Any

import pytest

from vistadream.core import UserError
from vistadream.workers.cluster.knobs import ClusterKnobs
from vistadream.workers.cluster.places import places_of


def knobs(gpus: float | None = None, cpus: float | None = None) -> ClusterKnobs:
    return ClusterKnobs(address=None, gpus_per_worker=gpus, cpus_per_worker=cpus, insecure=False)


def node(name: str, cpu: float = 0, gpu: float = 0, alive: bool = True) -> dict[str, Any]:
    return {"NodeID": name, "Alive": alive, "Resources": {"CPU": cpu, "GPU": gpu}}


CLUSTER = [node("a", cpu=8, gpu=2), node("b", cpu=16), node("c", cpu=4, gpu=1, alive=False)]


def test_where_there_are_gpus_they_alone_are_used() -> None:
    places = places_of(CLUSTER, knobs())
    assert [(place.node, place.gpus, place.cpus, place.threads) for place in places] == [("a", 1, 0, 4)] * 2


def test_workers_share_a_gpu() -> None:
    places = places_of(CLUSTER, knobs(gpus=0.5, cpus=1))
    assert [(place.number, place.gpus, place.cpus, place.threads) for place in places] == [
        (number, 0.5, 1, 1) for number in range(4)
    ]


def test_without_gpus_a_worker_has_a_node_or_its_cores() -> None:
    assert [(place.node, place.cpus) for place in places_of(CLUSTER, knobs(gpus=0))] == [("a", 8), ("b", 16)]
    assert len(places_of(CLUSTER, knobs(gpus=0, cpus=4))) == 2 + 4
    assert not places_of([node("head")], knobs())


def test_a_number_of_workers_is_spread_over_the_nodes() -> None:
    places = places_of([node("a", gpu=4), node("b", gpu=4)], knobs(), workers=3)
    assert [(place.node, place.number) for place in places] == [("a", 0), ("b", 0), ("a", 1)]


def test_gpus_that_are_asked_for_and_not_there_are_one_sentence() -> None:
    with pytest.raises(UserError, match=r"asks for GPUs, and no node of the cluster has one; wanted"):
        places_of([node("a", cpu=8)], knobs(gpus=1))


@pytest.mark.parametrize("gpus", [1.5, -1])
def test_a_worker_has_a_share_or_whole_gpus(gpus: float) -> None:
    with pytest.raises(ValueError, match="gpus_per_worker"):
        knobs(gpus=gpus)
