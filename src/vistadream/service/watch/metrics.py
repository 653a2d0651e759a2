"""Figures for Prometheus. No label ever holds an id, a name or a path, so that there is a fixed number of series."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vistadream.service.watch.gpu import gpus
from vistadream.service.watch.timings import Timing

_REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_JOB_S = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_DELIVERIES = ("waiting", "delivered", "failed")
_STATES = ("queued", "running", "done", "failed", "cancelled")


@dataclass(frozen=True)
class Sources:
    """Where the figures come from that are read when somebody asks for them."""

    jobs: Callable[[], Mapping[str, int]]
    """How many jobs are in each state."""
    listeners: Callable[[], int]
    restarts: Callable[[], int] | None
    """None where the workers are not those of this process."""
    free_bytes: Callable[[], int]
    deliveries: Callable[[], Mapping[str, int]]
    """How many messages of webhooks are in each state."""
    cache: Callable[[], tuple[int, int]]
    """Hits and misses since the start."""
    ended: Callable[[], Iterable[Timing]]
    """The jobs that were done since the last time of asking."""


class Metrics:
    """The figures of one service."""

    def __init__(self) -> None:
        disable_created_metrics()  # a second series for each, which only OpenMetrics reads
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "vistadream_requests",
            "Requests that were answered, by route, method and class of status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "vistadream_request_seconds",
            "Seconds from the start of a request to the end of its answer.",
            ("route",),
            buckets=_REQUEST_S,
            registry=self._registry,
        )
        wait, work = "Seconds from the request to the start of a job.", "Seconds of work on a job, without pauses."
        self._wait = Histogram("vistadream_queue_wait_seconds", wait, buckets=_JOB_S, registry=self._registry)
        self._work = Histogram("vistadream_job_seconds", work, buckets=_JOB_S, registry=self._registry)
        self._parts = Histogram(
            "vistadream_stage_seconds",
            "Seconds of each stage of a job, and of its start and delivery.",
            ("stage",),
            buckets=_JOB_S,
            registry=self._registry,
        )
        self._sources: Sources | None = None
        self._asking = threading.Lock()

    def read(self, sources: Sources) -> None:
        """Adds what is read at the time of asking; called once."""
        self._sources = sources
        self._registry.register(_Now(sources))

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request. `route` is a template; status 0: there was no answer."""
        self._requests.labels(route, method, f"{status // 100}xx" if status else "none").inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        with self._asking:
            for timing in self._sources.ended() if self._sources else ():
                self._note(timing)
        return generate_latest(self._registry)

    def _note(self, timing: Timing) -> None:
        self._wait.observe(timing.waited_s)
        self._work.observe(timing.seconds)
        for stage, seconds in timing.parts.items():
            self._parts.labels(stage).observe(seconds)


class _Now(Collector):
    """Figures of this moment."""

    def __init__(self, sources: Sources):
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        yield _by_state("vistadream_jobs", "Jobs in each state.", _STATES, self._sources.jobs())
        about = "Messages of webhooks that are kept, in each state."
        yield _by_state("vistadream_webhook_deliveries", about, _DELIVERIES, self._sources.deliveries())
        yield _gauge("vistadream_event_listeners", "Streams of events that are open.", self._sources.listeners())
        yield _gauge("vistadream_disk_free_bytes", "Free disk where the jobs are.", self._sources.free_bytes())
        lookups = CounterMetricFamily("vistadream_cache_lookups", "Results looked for in the cache.", labels=["result"])
        for result, count in zip(("hit", "miss"), self._sources.cache(), strict=True):
            lookups.add_metric([result], count)
        yield lookups
        if self._sources.restarts:
            restarts = CounterMetricFamily("vistadream_worker_restarts", "Workers that ended and were replaced.")
            restarts.add_metric([], self._sources.restarts())
            yield restarts
        yield from _gpu_metrics()


def _by_state(name: str, about: str, states: Sequence[str], counts: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=["state"])
    for state in states:
        family.add_metric([state], counts.get(state, 0))
    return family


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _gpu_metrics() -> Iterable[Metric]:
    """Nothing where there is no GPU."""
    if not (found := gpus()):
        return
    memory = GaugeMetricFamily("vistadream_gpu_memory_bytes", "Memory of each GPU.", labels=["gpu", "kind"])
    use = GaugeMetricFamily("vistadream_gpu_use_ratio", "The share of time in which a GPU worked.", labels=["gpu"])
    for number, gpu in enumerate(found):
        memory.add_metric([str(number), "used"], gpu.memory_used_bytes)
        memory.add_metric([str(number), "total"], gpu.memory_total_bytes)
        use.add_metric([str(number)], gpu.use)
    yield from (memory, use)
