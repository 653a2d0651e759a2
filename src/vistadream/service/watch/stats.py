"""The figures of GET /v1/stats that are computed from times."""

from __future__ import annotations

import math
from collections.abc import Iterable

from vistadream.service.watch.timings import Timing


def spread(values: Iterable[float]) -> dict[str, float] | None:
    """Median and 95th percentile, both of which are among the values; None without any."""
    if not (ordered := sorted(values)):
        return None
    ranks = {f"p{percent}": math.ceil(len(ordered) * percent / 100) - 1 for percent in (50, 95)}
    return {name: round(ordered[rank], 3) for name, rank in ranks.items()}


def spread_of_parts(times: Iterable[Timing]) -> dict[str, dict[str, float]]:
    """The spread of the seconds of each stage, and of start and delivery."""
    parts: dict[str, list[float]] = {}
    for timing in times:
        for name, seconds in timing.parts.items():
            parts.setdefault(name, []).append(seconds)
    return {name: found for name, values in parts.items() if (found := spread(values))}
