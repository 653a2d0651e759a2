"""The workers of a service on a Ray cluster: as many as there are jobs, as far as there are places for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from vistadream.service.cluster.host import Host
from vistadream.service.cluster.setting import Setting
from vistadream.workers.cluster.places import Place

_log = logging.getLogger("vistadream.service")
_LOOK_S = 0.2
_LONGEST_DELAY_S = 30.0
_STOP_S = 10.0
"""Beyond the time that jobs get, until actors are killed."""


class Jobs(Protocol):
    """What the crew needs to know of the queue."""

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""

    def running(self) -> Sequence[Any]:
        """The jobs under way, each with the name of its worker."""


@dataclass
class Member:
    """An actor on a place."""

    name: str
    actor: Any
    asked: Any
    """The reference of the answer that is awaited."""
    idle_since_s: float
    is_ready: bool = False
    is_leaving: bool = False


def wanted(open_jobs: int, places: int) -> int:
    """How many workers there are to be: one for each job that is queued or runs, at least one, as places allow."""
    return min(places, max(1, open_jobs))


def superfluous(members: Iterable[Member], most: int, long_ago_s: float) -> list[Member]:
    """Those that may go where `most` are wanted: idle since before `long_ago_s`, the longest first."""
    staying = [member for member in members if not member.is_leaving]
    idle = sorted((m for m in staying if m.idle_since_s <= long_ago_s), key=lambda member: member.idle_since_s)
    return idle[: max(0, len(staying) - most)]


class Crew:
    """Keeps the actors of a service. The queue says what is done, and Ray is trusted with nothing."""

    def __init__(self, ray: Any, setting: Setting, jobs: Jobs, places: Callable[[], list[Place]]):
        """`ray` is the package, connected to a cluster; `places` says where workers can be now."""
        self._ray, self._setting, self._jobs, self._places = ray, setting, jobs, places
        self._actors = ray.remote(Host)
        self._members: dict[Place, Member] = {}
        self._short_lives = 0
        self._next_start_s = 0.0

    def look(self) -> None:
        """Replaces what was lost, and follows the length of the queue."""
        self._hear()
        places = self._places()
        for place in [place for place in self._members if place not in places]:
            self._lose(place, "its node is gone")
        counts = self._jobs.counts()
        most = wanted(counts.get("queued", 0) + counts.get("running", 0), len(places))
        self._let_go(most)
        free = [place for place in places if place not in self._members]
        staying = sum(not member.is_leaving for member in self._members.values())
        for place in free[: max(0, most - staying)] if time.monotonic() >= self._next_start_s else ():
            self._start(place)

    def stop(self, drain_s: float, is_over: Callable[[], bool]) -> None:
        """Gives jobs under way so long to end, unless `is_over`. Those that do not end go on at the next start."""
        left = [member.actor.stop.remote(drain_s) for member in self._members.values()]
        end_s = time.monotonic() + drain_s + _STOP_S
        while left and time.monotonic() < end_s and not is_over():
            left = self._ray.wait(left, num_returns=len(left), timeout=_LOOK_S)[1]
        for member in self._members.values():
            self._kill(member)

    def _start(self, place: Place) -> None:
        name = f"ray-{place.node[:8]}-{place.number}"
        there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(place.node, soft=False)
        own = {"num_gpus": place.gpus, "num_cpus": place.cpus, "scheduling_strategy": there}
        actor = self._actors.options(max_restarts=0, max_task_retries=0, **own).remote(
            self._setting, name, place.threads
        )
        self._members[place] = Member(name, actor, actor.is_at_work.remote(), time.monotonic())

    def _hear(self) -> None:
        """Takes the answers that are here, and asks once more."""
        whose = {member.asked: place for place, member in self._members.items()}
        for ref in self._ray.wait(list(whose), num_returns=len(whose), timeout=0)[0] if whose else ():
            member = self._members[whose[ref]]
            try:
                is_at_work = self._ray.get(ref)
            except self._ray.exceptions.RayError as error:
                self._lose(whose[ref], str(error))
                continue
            if member.is_leaving and not is_at_work:
                self._kill(self._members.pop(whose[ref]))
                continue
            member.is_ready, self._short_lives = True, 0
            member.asked = member.actor.is_at_work.remote()

    def _let_go(self, most: int) -> None:
        """Has workers end that were idle for long, where fewer are wanted."""
        now_s, busy = time.monotonic(), {job.worker.rpartition("-")[0] for job in self._jobs.running()}
        for member in self._members.values():
            member.idle_since_s = now_s if member.name in busy else member.idle_since_s
        for member in superfluous(self._members.values(), most, now_s - self._setting.knobs.idle_unload_s):
            member.is_leaving = True
            member.actor.drain.remote()

    def _lose(self, place: Place, why: str) -> None:
        """Lets an actor go that is dead; whoever has its place next, or another worker, goes on with its job."""
        member = self._members.pop(place)
        _log.warning("worker %s is lost (%s); another one takes its place", member.name, why.strip().partition("\n")[0])
        if not member.is_ready:
            self._short_lives += 1
            self._next_start_s = time.monotonic() + min(_LONGEST_DELAY_S, 2.0**self._short_lives)
        self._kill(member)

    def _kill(self, member: Member) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(member.actor)
