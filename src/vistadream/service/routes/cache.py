"""The cache of results: what it holds, and its end."""

from __future__ import annotations

from fastapi import APIRouter

from vistadream.service.models import CacheFigures, Cleared
from vistadream.service.problems import documented
from vistadream.service.service import Here, Service

router = APIRouter(tags=["cache"])


@router.get("/cache", operation_id="get_cache", responses=documented())
def get_cache(service: Here) -> CacheFigures:
    """Figures of the cache."""
    return figures_of(service)


def figures_of(service: Service) -> CacheFigures:
    """What the cache of a service holds, and how often it helped."""
    cache = service.cache
    entries = cache.entries()
    size = sum(entry.bytes for entry in entries)
    return CacheFigures(
        entries=len(entries),
        bytes=size,
        max_bytes=cache.max_bytes,
        hits=cache.hits,
        misses=cache.misses,
        enabled=service.knobs.cache.enabled,
        size=size,
        max_size=cache.max_bytes,
        hit_rate=cache.hits / max(1, cache.hits + cache.misses),
    )


@router.post("/cache/clear", operation_id="clear_cache", responses=documented(403))
def clear_cache(service: Here) -> Cleared:
    """Removes all results from the cache. Jobs keep theirs."""
    removed = service.cache.clear()
    return Cleared(entries=len(removed), bytes=sum(entry.bytes for entry in removed))
