"""How much of its work a batch did again: seconds by cause."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from vistadream.batch.index_rows import Row


def repeated(attempts: Iterable[Row], busy_s: float) -> dict[str, Any]:
    """Seconds that published items took beyond one unbroken attempt at each.

    `attempts` are those at published items that have ended, item after item, with `unbroken_s`: what one attempt takes.
    An attempt that was killed leaves its finished stages and its last checkpoint to the next one; only what lay
    beyond is done again. The excess of an item is shared among its attempts without a result, by their lengths.
    """
    causes = defaultdict[str, list[float]](list)
    for _, mine in itertools.groupby(attempts, key=itemgetter("id")):
        for cause, seconds in _excess(list(mine)):
            causes[cause].append(seconds)
    whole = sum(map(sum, causes.values()))
    return {
        "seconds": round(whole, 3),
        "share": whole / busy_s if busy_s else None,
        "causes": [
            {"cause": cause, "attempts": len(seconds), "seconds": round(sum(seconds), 3)}
            for cause, seconds in sorted(causes.items(), key=lambda entry: -sum(entry[1]))
        ],
    }


def _excess(attempts: Sequence[Row]) -> list[tuple[str, float]]:
    """(cause, seconds) of the attempts at one item that did not publish it."""
    lengths = [max(0.0, each["ended"] - each["began"]) for each in attempts]  # by clocks of two machines, at a death
    first = next((n for n, each in enumerate(attempts) if each["state"] == "done"), None)
    lost = [n for n in range(len(attempts)) if n != first]
    if not lost:
        return []
    lost_s = sum(lengths[n] for n in lost)
    excess_s = min(lost_s, max(0.0, sum(lengths) - attempts[0]["unbroken_s"]))
    return [(cause(attempts[n]), excess_s * lengths[n] / lost_s if lost_s else 0.0) for n in lost]


def cause(attempt: Row) -> str:
    """Why an attempt led to nothing, in words."""
    state = attempt["state"]
    if state == "killed":
        signal = attempt["signal"]
        return "the worker died" if signal is None else f"the worker was killed by signal {signal}"
    words = {
        "done": "somebody else published the item first",
        "broken": "an error of the program",
        "full": "the memory was full",
        "slow": "it took too long",
        "interrupted": "it was stopped",
    }
    return words.get(state, state)
