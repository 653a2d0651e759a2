"""Where the workers of a Ray cluster run: one on each GPU, or a share of it, or one on the processors of a node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vistadream.core import UserError
from vistadream.workers.cluster.knobs import ClusterKnobs

_EXACT = 1e-6


@dataclass(frozen=True)
class Place:
    """What one worker has of a node."""

    node: str
    """The id that Ray gave it."""
    number: int
    """Among the places of the node."""
    gpus: float
    cpus: float
    threads: int


def places_of(
    nodes: Iterable[Mapping[str, Any]], knobs: ClusterKnobs, workers: int | Literal["auto"] = "auto"
) -> list[Place]:
    """The places of the nodes that are alive, as `ray.nodes()` gives them, at most `workers` of them.

    UserError where GPUs are asked for, and no node has one.
    """
    alive = [node for node in nodes if node["Alive"]]
    have_gpus = any(node["Resources"].get("GPU") for node in alive)
    if knobs.gpus_per_worker and not have_gpus:
        raise UserError(
            f"ray.gpus_per_worker={knobs.gpus_per_worker:g} asks for GPUs, and no node of the cluster has one; wanted "
            "nodes with GPUs (ray start --num-gpus=N), or ray.gpus_per_worker=0 for workers on the processors"
        )
    gpus = knobs.gpus_per_worker if knobs.gpus_per_worker is not None else float(have_gpus)
    found = [place for node in alive for place in _of(node, gpus, knobs.cpus_per_worker)]
    spread = sorted(found, key=lambda place: (place.number, place.node))
    return spread if workers == "auto" else spread[:workers]


def _of(node: Mapping[str, Any], gpus: float, cpus: float | None) -> list[Place]:
    has = node["Resources"]
    cores = has.get("CPU", 0.0)
    if gpus:
        count = int(has.get("GPU", 0.0) / gpus + _EXACT)
    else:
        count = int(cores / cpus + _EXACT) if cpus else int(cores >= 1)
    if not count:
        return []
    reserved = cpus if cpus is not None else (0.0 if gpus else cores)
    threads = max(1, int(cpus or cores / count))
    return [Place(node["NodeID"], number, gpus, reserved, threads) for number in range(count)]
