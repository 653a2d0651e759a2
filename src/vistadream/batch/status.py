"""Where a batch stands, read from its folder, whether anything runs or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vistadream.batch.folder import BatchFolder
from vistadream.batch.index import Index
from vistadream.batch.index_rows import Row
from vistadream.batch.plan import PlanReader
from vistadream.batch.sentences import by_sentence
from vistadream.batch.starts import starts_of
from vistadream.batch.under_way import UnderWay, under_way
from vistadream.core import UserError

_RECENT_S = 3600.0
_SHOWN = 8


@dataclass(frozen=True)
class Status:
    """Where a batch stands."""

    published: int
    given_up: int
    left: int | None
    """Items of the newest start that are neither; None while its pictures are still being listed."""
    under_way: Sequence[UnderWay] = ()
    images_an_hour: float | None = None
    """Of the last hour in which something was published."""
    slowest: Sequence[Row] = ()
    sentences: Sequence[dict[str, Any]] = ()
    damaged: Sequence[str] = ()
    """Published items whose item.json cannot be read."""

    @property
    def items(self) -> int | None:
        return None if self.left is None else self.published + self.given_up + self.left

    @property
    def left_s(self) -> float | None:
        if not self.left or not self.images_an_hour:
            return None
        return 3600 * self.left / self.images_an_hour


def status(folder: BatchFolder, index: Index, now_s: float | None = None) -> Status:
    """Where the batch stands, by its index. UserError where the folder is not one of a batch."""
    starts_in(folder)
    return Status(
        published=index.value("select count(*) from items"),
        given_up=index.value("select count(*) from given_up"),
        left=_left(folder, index),
        under_way=list(under_way(folder, time.time() if now_s is None else now_s)),
        images_an_hour=_recent_rate(index),
        slowest=index.rows("select id, name, seconds from items order by seconds desc limit 3"),
        sentences=by_sentence(index, named=1)[:_SHOWN],
        damaged=[row["id"] for row in index.rows("select id from damaged order by id")],
    )


def starts_in(folder: BatchFolder) -> list[dict[str, Any]]:
    """What batch.json says of each start with other knobs. UserError where there is none."""
    if not (starts := starts_of(folder)):
        raise UserError(
            f"{folder.root} has no batch.json; wanted the folder of a batch, out=, as vistadream batch makes it"
        )
    return starts


def _left(folder: BatchFolder, index: Index) -> int | None:
    """How many items of the plan are neither published nor given up; None while it is being written."""
    plan = PlanReader(folder.plan)
    try:
        listed = [item.id for item in iter(plan.next, None)]
    except (OSError, ValueError, KeyError, TypeError):  # of another version; the next start writes it anew
        return None
    if not (listed and plan.counted):
        return 0 if plan.counted else None
    ids = "select id from items union all select id from given_up union all select id from damaged"
    return len(set(listed).difference(index.column(ids)))


def _recent_rate(index: Index) -> float | None:
    last = index.value("select max(ended) from items")
    if last is None:
        return None
    first, count = index.rows(
        "select min(ended) as first, count(*) as count from items where ended > ?", last - _RECENT_S
    )[0].values()
    span_s = last - first
    return 3600 * (count - 1) / span_s if count > 1 and span_s > 0 else None


def lines(folder: BatchFolder, seen: Status) -> Iterator[str]:
    """The status for people."""
    items = "how many items there are is not known yet" if seen.items is None else f"{seen.items:,} items"
    left = "" if seen.left is None else f", {seen.left:,} left"
    yield f"{folder.root}: {items}; {seen.published:,} published, {seen.given_up:,} given up{left}"
    if seen.images_an_hour:
        rest = "" if seen.left_s is None else f"; at this rate {seen.left_s / 3600:.1f} h are left"
        yield f"{seen.images_an_hour:,.1f} images an hour lately{rest}"
    for each in seen.under_way[:_SHOWN]:
        part = f", in {each.part}" if each.part else ""
        quiet = f"sign of life {each.silent_s:.0f} s ago"
        yield f"  under way: {each.id}, attempt {each.attempt}, by {each.worker} on {each.node}{part}; {quiet}"
    if len(seen.under_way) > _SHOWN:
        yield f"  and {len(seen.under_way) - _SHOWN} more"
    for row in seen.slowest:
        yield f"  slowest: {row['name']}, {row['seconds']:.1f} s"
    for id in seen.damaged[:_SHOWN]:
        yield f"  damaged: {id}, whose item.json cannot be read; remove {folder.item(id)} to have it made again"
    for row in seen.sentences:
        yield f"  given up ({row['reason']}, {row['count']:,}): {row['sentence']}"
