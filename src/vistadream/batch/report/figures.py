"""All figures of a batch as data for JSON, computed from its index, one item after the other."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vistadream.batch.index import Index
from vistadream.batch.report.places import Places
from vistadream.batch.report.quality import quality, quantiles
from vistadream.batch.report.repeated import repeated
from vistadream.batch.sentences import by_sentence

Figures = dict[str, Any]
_POINTS = 120
"""The most points of the curve over time."""
_NAMED = 12
"""Items that are named for each sentence."""
_OF_PUBLISHED = """
select a.id, a.began, a.ended, a.state, a.signal, i.unbroken_s from attempts a join items i on i.id = a.id
where a.began is not null and a.ended is not null order by a.id
"""
_OF_GIVEN_UP = "select total(max(0, ended - began)) from attempts where id in (select id from given_up)"


def figures(index: Index, price_per_hour: float | None = None) -> Figures:
    """All figures. `price_per_hour`: what one worker costs in an hour, for the cost."""
    places, stages = Places(index.each("select * from attempts order by began")), _stages(index)
    published, seconds = index.rows("select count(*), total(seconds) from items")[0].values()
    busy_s = places.busy_s or seconds
    return {
        "published": published,
        "speed": _speed(index, places.working_s),
        "workers": places.workers(),
        "devices": places.devices(),
        "stages": {name: {**quantiles(each), "sum": round(sum(each), 3)} for name, each in stages.items()},
        "overhead": _overhead(stages, seconds, places),
        "repeated": repeated(index.each(_OF_PUBLISHED), busy_s),
        "given_up": by_sentence(index, _NAMED),
        "given_up_s": round(index.value(_OF_GIVEN_UP), 3),
        "quality": quality(index),
        "bytes": _bytes(index),
        "busy_s": round(busy_s, 3),
        "cost": None if price_per_hour is None else _cost(busy_s, price_per_hour, published),
    }


def _speed(index: Index, working_s: float) -> Figures:
    ends = np.fromiter(index.column("select ended from items order by ended"), float)
    if not ends.size:
        return {"images_an_hour": None, "working_s": working_s, "over_time": []}
    first_s = index.value("select seconds from items order by ended limit 1")
    span_s = working_s or float(ends[-1] - ends[0]) + first_s
    rate = 3600 * ends.size / span_s if span_s else None
    return {"images_an_hour": rate, "working_s": span_s, "over_time": _over_time(ends)}


def _over_time(ends: np.ndarray) -> list[tuple[float, float]]:
    """(hours since the first result, images an hour) in equal parts of the time."""
    span_s = float(ends[-1] - ends[0])
    if span_s <= 0:
        return []
    parts = int(max(1, min(_POINTS, len(ends) // 4, span_s // 10)))
    counts, edges = np.histogram(ends, parts, (ends[0], ends[-1]))
    hours = (edges[:-1] + edges[1:]) / 2 / 3600 - ends[0] / 3600
    return [
        (round(float(h), 5), round(float(n) * parts * 3600 / span_s, 3)) for h, n in zip(hours, counts, strict=True)
    ]


def _stages(index: Index) -> dict[str, array]:
    """The seconds of all items by part."""
    by_name: dict[str, array] = defaultdict(lambda: array("d"))
    for stages in index.column("select stages from items order by ended"):
        for name, seconds in json.loads(stages).items():
            by_name[name].append(seconds)
    return by_name


def _overhead(stages: Mapping[str, Sequence[float]], whole_s: float, places: Places) -> Figures:
    """Seconds that made nothing of a scene: before the first stage, reading, writing, and first items of processes."""
    names = {"start": "start", "reading": "load", "writing": "delivery"}
    parts = {name: sum(stages.get(part, ())) for name, part in names.items()}
    share = sum(parts.values()) / whole_s if whole_s else None
    parts["first items of processes"] = places.first_items_s()
    return {**{name: round(seconds, 3) for name, seconds in parts.items()}, "share": share}


def _bytes(index: Index) -> Figures:
    return index.rows("select cast(total(bytes) as integer) as published, avg(bytes) as mean from items")[0]


def _cost(busy_s: float, price_per_hour: float, published: int) -> Figures:
    whole = busy_s / 3600 * price_per_hour
    each = whole / published if published else None
    return {"price_per_hour": price_per_hour, "whole": whole, "each": each}
