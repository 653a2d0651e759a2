"""An actor of a Ray cluster as the driver knows it. Ray is given as an argument: no file but `ray.py` imports it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from vistadream.batch.engines.ray_worker import RayWorker
from vistadream.workers.cluster.places import Place


@dataclass
class Hand:
    """An actor, and what it was asked to do: items by the references of its answers."""

    name: str
    place: Place
    actor: Any
    ready: Any
    """The reference of the answer to its first call; None once that is here."""
    asked: dict[Any, str] = field(default_factory=dict)

    def open_calls(self) -> Iterator[Any]:
        """The references of the answers that are awaited."""
        if self.ready is not None:
            yield self.ready
        yield from self.asked


def hired(ray: Any, place: Place, words: Sequence[str]) -> Hand:
    """A new actor on a place, for the batch of these words."""
    name = f"ray-{place.node[:8]}-{place.number}-{secrets.token_hex(3)}"
    actors = ray.remote(concurrency_groups={"control": 1})(RayWorker)
    options = actors.options(
        num_gpus=place.gpus,
        num_cpus=place.cpus,
        max_restarts=0,  # a lost actor is replaced: one that Ray restarts fails each call until it is back
        max_task_retries=0,
        scheduling_strategy=ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(place.node, soft=False),
    )
    actor = options.remote(words, name, place.threads)
    return Hand(name, place, actor, actor.ready.remote())
