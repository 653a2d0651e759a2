"""What the service is: its knobs, models, health and figures."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from vistadream.backends.weights.facts import facts_of
from vistadream.backends.weights.table import MODELS
from vistadream.service import models
from vistadream.service.access.caller import Asking
from vistadream.service.problems import ProblemError, documented
from vistadream.service.routes.cache import figures_of
from vistadream.service.service import Here
from vistadream.service.watch.gpu import Gpu, gpus
from vistadream.service.watch.stats import spread, spread_of_parts
from vistadream.version import __version__

router = APIRouter(tags=["service"])
_BEGUN_S = time.monotonic()
_NEWEST = 1000
"""How many of the newest jobs the figures of seconds are about."""


@router.get("/knobs", operation_id="get_knobs", responses=documented(422, 503))
async def get_knobs(service: Here, job: Annotated[Literal["single_img"], Query()] = "single_img") -> dict[str, Any]:
    """JSON Schema of every knob that a request may set."""
    return await service.clerk.schema(job)


@router.get("/models", operation_id="get_models", responses=documented())
def get_models() -> models.Models:
    """Every model that can be used, with its license."""
    return models.Models(models=[facts_of(model) for model in MODELS.values()])


@router.get("/backends", operation_id="get_backends", responses=documented(422, 503))
async def get_backends(service: Here, job: Annotated[Literal["single_img"], Query()] = "single_img") -> models.Backends:
    """Every backend that a request may choose, and whether it can run on this machine."""
    found = await service.clerk.backends(job)
    return models.Backends(backends=[models.Backend(**each) for each in found])


@router.get("/health", operation_id="get_health", responses=documented(503))
async def get_health(service: Here) -> models.Health:
    """The process answers, and its clerk too, who knows the GPU."""
    return models.Health(version=__version__, **await service.clerk.gpu())


@router.get("/ready", operation_id="get_ready", responses=documented(503))
def get_ready(service: Here) -> models.Ready:
    """The service takes jobs: it is not stopping, its queue answers, and there is room on the disk."""
    service.refuse_while_closing()
    try:
        service.refuse_without_room()
    except ProblemError as error:
        raise ProblemError(503, error.detail, headers={"Retry-After": "60"}) from error
    service.store.counts()
    return models.Ready()


async def seen_gpu(service: Here) -> models.SeenGpu:
    """The GPU as the clerk sees it."""
    seen, nvidia = await service.clerk.gpu(), gpus()
    return models.SeenGpu(
        available=seen["gpu_available"],
        vendor=seen.get("gpu_vendor"),
        name=seen.get("gpu_name"),
        count=len(nvidia) or int(seen["gpu_available"]),
        memory_mb=nvidia[0].memory_total_bytes // 1_000_000 if nvidia else None,
    )


@router.get("/stats", operation_id="get_stats", responses=documented(503))
def get_stats(service: Here, caller: Asking, gpu: Annotated[models.SeenGpu, Depends(seen_gpu)]) -> models.Stats:
    """Figures of the service. Jobs are those of the caller; with the scope admin, those of all owners."""
    owner = None if caller.may("admin") else caller.owner
    times = service.timings.newest(_NEWEST)
    return models.Stats(
        jobs=service.store.counts(owner),
        uptime_s=round(time.monotonic() - _BEGUN_S, 1),
        disk_free_gb=round(service.data.free_bytes() / 1e9, 2),
        listeners=service.listeners,
        jobs_per_hour=service.store.done_since(time.time() - 3600, owner),
        stage_seconds={name: models.Spread(**found) for name, found in spread_of_parts(times).items()},
        job_seconds=_spread(timing.seconds for timing in times),
        queue_wait_seconds=_spread(timing.waited_s for timing in times),
        gpu=gpu,
        gpus=[_gpu(gpu) for gpu in gpus()],
        cache=figures_of(service),
        own=models.OwnUse(**asdict(service.quota.use(caller.owner))),
        workers=models.Workers(alive=pool.alive(), restarts=pool.restarts) if (pool := service.pool) else None,
    )


def _spread(values: Iterable[float]) -> models.Spread | None:
    return models.Spread(**found) if (found := spread(values)) else None


def _gpu(gpu: Gpu) -> models.Gpu:
    used, total = (round(size / 1e9, 2) for size in (gpu.memory_used_bytes, gpu.memory_total_bytes))
    return models.Gpu(memory_used_gb=used, memory_total_gb=total, use=gpu.use)
