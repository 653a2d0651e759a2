"""Rows of the queue get the keys of their results, by which equal jobs find each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Service


async def keyed(rows: Sequence[JobRow], service: Service) -> list[JobRow]:
    """Rows of equal words with the keys of their results; unchanged where the cache is off."""
    if not service.knobs.cache.enabled:
        return [*rows]
    keys = await service.clerk.keys(rows[0].words, rows[0].kind, [row.digest for row in rows])
    shared = service.knobs.cache.shared
    return [
        replace(row, scene_key=scene, result_key=result and own_key(result, "" if shared else row.owner))
        for row, (scene, result) in zip(rows, keys, strict=True)
    ]


def own_key(key: str, owner: str) -> str:
    """The key of a result of one owner; "" is the owner that all share."""
    return hashlib.sha256(json.dumps([key, owner]).encode()).hexdigest()
