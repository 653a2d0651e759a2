"""The figures of quality of all items: how they are spread, and which items are the worst."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from vistadream.batch.index import Index
from vistadream.batch.index_rows import FIGURES

WORST = 20
"""The items that are named of each figure."""
_BINS = 24
_HIGH_IS_BAD = ("path_hole_ratio.largest",)


def quality(index: Index) -> dict[str, dict[str, Any]]:
    """Of each figure that any item has: quantiles, a histogram, and the worst items."""
    found = {}
    for name in FIGURES:
        values = np.fromiter(index.column(f'select "{name}" from items where "{name}" is not null'), float)
        if values.size:
            counts, edges = np.histogram(values, _BINS)
            bins = {"edges": [float(edge) for edge in edges], "counts": [int(count) for count in counts]}
            found[name] = {**quantiles(values), **bins, "worst": _worst(index, name)}
    return found


def _worst(index: Index, name: str) -> list[dict[str, Any]]:
    order = "desc" if name in _HIGH_IS_BAD else "asc"
    rows = index.rows(
        f'select id, name, names, "{name}" as value from items where "{name}" is not null '
        f'order by "{name}" {order}, ended limit {WORST}'
    )
    return [{**row, "names": json.loads(row["names"])} for row in rows]


def quantiles(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """What 5, 50 and 95 of 100 values are at most."""
    low, middle, high = np.percentile(values, [5, 50, 95])
    return {"p05": float(low), "p50": float(middle), "p95": float(high)}
