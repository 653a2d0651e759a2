"""What a million, a hundred million and a billion photographs take: each figure of docs/scale.md, from measured ones.

Run: python benchmarks/scale.py [--price NAME=DOLLARS ...]   prints the tables
     python benchmarks/scale.py --write                      puts them into docs/scale.md, between its marks
     python benchmarks/scale.py --measure                    measures what only this script needs, in half a minute
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from scale_figures import (
    CORE_PRICES,
    COUNTS,
    DAY_S,
    EGRESS,
    FILES_PER_MDT,
    FORMAT_NAMES,
    GB,
    GET_PER_S,
    GPU_PRICES,
    HOUR_S,
    KEYS_PER_LIST,
    LOST_PER_MONTH,
    MEASURED,
    MONTH_H,
    PACK,
    PRICES,
    PUT_PER_S,
    TB,
)

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
_BLOCK = r"(<!-- table: {name} -->\n).*?(<!-- end -->)"
Table = tuple[Sequence[str], list[Sequence[str]]]


def of(name: str) -> float:
    """The value of a measured figure."""
    return MEASURED[name].value


def price(name: str) -> float:
    return PRICES[name].value


def item_bytes(form: str) -> float:
    """Bytes of the scene of one item."""
    return of(form) * of("gaussians")


def published_bytes(form: str) -> float:
    """Bytes of all that is published of an item."""
    return item_bytes(form) + of("others")


def storage_price(size: float) -> float:
    """Dollars a month for this number of bytes on S3."""
    tiers = ((50 * TB, "S3 below 50 TB"), (500 * TB, "S3 to 500 TB"), (math.inf, "S3 beyond"))
    return _tiered(size, [(upto, price(name)) for upto, name in tiers])


def egress_price(size: float) -> float:
    """Dollars for moving this number of bytes from S3 to the Internet in one month."""
    return _tiered(size, EGRESS)


def _tiered(size: float, tiers: Sequence[tuple[float, float]]) -> float:
    total, below = 0.0, 0.0
    for upto, dollars_a_gb in tiers:
        total += max(0.0, min(size, upto) - below) / GB * dollars_a_gb
        below = upto
    return total


def young(checkpoint_s: float, between_failures_s: float) -> float:
    """The best time from one checkpoint to the next, in seconds (J. W. Young, CACM 17(9), 1974)."""
    return math.sqrt(2 * checkpoint_s * between_failures_s)


def lost(interval_s: float, checkpoint_s: float, between_failures_s: float) -> float:
    """The share of time that goes into checkpoints, and into work that is done again."""
    return checkpoint_s / interval_s + interval_s / (2 * between_failures_s)


def collision(count: int, bits: int) -> float:
    """The chance that two of this number of random ids are equal."""
    return -math.expm1(-count * (count - 1) / 2 ** (bits + 1))


def figures() -> Table:
    rows = [(name, number(one.value), one.unit, one.source) for name, one in MEASURED.items()]
    return ("name", "figure", "unit", "source"), rows


def prices() -> Table:
    rows = [(name, f"{one.value:.3g}", one.unit, one.source) for name, one in PRICES.items()]
    return ("name", "$", "unit", "source"), rows


def compute() -> Table:
    """Core-hours and what they cost."""
    rows = []
    for words, count in COUNTS.items():
        for stage in ("fine", "no-outpaint"):
            hours = count * of(stage) / HOUR_S
            costs = [dollars(hours * price(name)) for name in CORE_PRICES]
            rows.append((words, f"`{stage}`", number(hours), number(hours / (30 * 24)), *costs))
    return ("photographs", "stage", "core-hours", "cores for 30 days", *CORE_PRICES), rows


def gpu() -> Table:
    """The time of an item below which a GPU is cheaper than cores; what a GPU takes is owed."""
    rows = []
    for name in GPU_PRICES:
        limits = [f"{of('fine') * price(core) / price(name):.2g} s" for core in CORE_PRICES]
        rows.append((name, f"{price(name):.2f}", *limits, "owed"))
    cores = [f"cheaper than {name} below" for name in CORE_PRICES]
    return ("GPU", "$ an hour", *cores, "seconds of a `fine` item"), rows


def storage() -> Table:
    """Bytes by format, and a month on S3 and R2."""
    rows = []
    for form in (*FORMAT_NAMES, "whole folder"):
        each = of("folder") if form == "whole folder" else published_bytes(form)
        cells = []
        for count in COUNTS.values():
            cells += [size(each * count), dollars(storage_price(each * count))]
        rows.append((form, size(each), *cells, dollars(each * 10**6 / GB * price("R2"))))
    head = [cell for words in COUNTS for cell in (words, "a month on S3")]
    return ("published with", "an item", *head, "a million on R2"), rows


def objects() -> Table:
    """Objects and requests, one by one and packed."""
    rows = []
    for words, count in COUNTS.items():
        single, packed = count * of("objects"), count / PACK * 2
        for how, kept in (("one by one", single), (f"tar of {PACK:,}", packed)):
            put, listed = kept * price("S3 PUT"), kept / KEYS_PER_LIST
            reads = kept if how == "one by one" else count
            cells = (number(kept), dollars(put), number(listed), dollars(listed * price("S3 PUT")))
            rows.append((words, how, *cells, dollars(reads * price("S3 GET"))))
    head = ("objects", "to write them", "LIST requests for all", "which cost", "to read each once")
    return ("photographs", "how", *head), rows


def layout() -> Table:
    """How full the folders are with 2, 4 and 6 digits of the hash, and how fast a run of 30 days writes."""
    rows = []
    for words, count in COUNTS.items():
        a_second = count / (30 * DAY_S)
        full = [number(count / 16**digits) for digits in (2, 4, 6)]
        puts = a_second * of("objects")
        partitions = number(math.ceil(puts / PUT_PER_S))
        rows.append((words, *full, number(a_second), number(puts), partitions))
    head = ("items a folder, 2 digits", "4 digits", "6 digits")
    return ("photographs", *head, "items a second for 30 days", "PUT a second", "partitions of S3"), rows


def listing() -> Table:
    """Finding out what is done: LIST, reading each item.json, or an index in shards."""
    rows = []
    for words, count in COUNTS.items():
        index = count * of("index row")
        pages = count * of("objects") / KEYS_PER_LIST
        reads_s = count / GET_PER_S
        rows.append((words, number(pages), time(pages / 10), time(reads_s), size(index), time(index / 100e6)))
    head = ("LIST pages", "at 10 pages a second", f"each item.json at {GET_PER_S:,} a second")
    return ("photographs", *head, "size of the index", "to read it at 100 MB/s"), rows


def small_files() -> Table:
    """Files on a parallel file system, against what one metadata target of Lustre holds."""
    rows = []
    for words, count in COUNTS.items():
        single, packed = count * (of("objects") + 1), count / PACK * 2
        share = f"{single / FILES_PER_MDT:.2%}"
        rows.append((words, number(single), share, number(packed), time(single / of("claims") / 2)))
    head = ("files and folders", "of one metadata target", f"in tars of {PACK:,}", "to make them, one client")
    return ("photographs", *head), rows


def egress() -> Table:
    rows = []
    for words, count in COUNTS.items():
        cells = [dollars(egress_price(count * published_bytes(form))) for form in ("ply", "sog")]
        rows.append((words, *cells, dollars(egress_price(count * of("picture"))), "free"))
    return ("photographs", "results with ply", "with sog", "the pictures", "from R2"), rows


def spot() -> Table:
    """Lost time by how often a machine is taken away, with the best checkpoints, with ours, and with none."""
    cost_s, item_s = of("checkpoint"), of("fine") / 2
    rows = []
    cases = {f"{share:.0%} a month": MONTH_H * HOUR_S / -math.log1p(-share) for share in LOST_PER_MONTH}
    cases |= {"every day": DAY_S, "every hour": HOUR_S, "every 2 minutes": 120.0}
    for words, between_s in cases.items():
        best_s = young(cost_s, between_s)
        shares = [lost(best_s, cost_s, between_s), lost(30, cost_s, between_s)]
        shares += [long_s / (2 * between_s) for long_s in (item_s, 900)] + [of("restart") / between_s]
        rows.append((words, time(between_s), time(best_s), *map(_share, shares)))
    head = ("best interval", "lost with it", "with 30 s", f"with none, item of {item_s:.0f} s", "item of 15 min")
    return ("interrupted", "mean time between", *head, "restarts"), rows


def _share(value: float) -> str:
    return "never ends" if value >= 1 else f"{value:.2%}" if value >= 0.0005 else f"{100 * value:.1g}%"


def keep() -> Table:
    """How long storing a result may take before computing it again is cheaper."""
    rows = []
    for form in (*FORMAT_NAMES, "whole folder"):
        each = of("folder") if form == "whole folder" else published_bytes(form)
        monthly = each / GB * price("S3 beyond")
        months = [f"{of('fine') / HOUR_S * price(core) / monthly:.2g}" for core in CORE_PRICES]
        rows.append((form, dollars(monthly * 1e6), *months))
    return ("kept", "a month for a million", *(f"months, cores {name}" for name in CORE_PRICES)), rows


def backfill() -> Table:
    """What a new version costs, by the first stage that changes; seconds of office.jpg by `pipeline.py`."""
    seconds = {"load": 0.1, "outpaint": 2.5, "initialize": 7.5, "coarse": 4.1, "refine": 20.4, "results alone": 8.0}
    whole, rows = sum(seconds.values()), []
    for place, stage in enumerate(seconds):
        share = sum([*seconds.values()][place:]) / whole
        costs = [dollars(share * of("fine") / HOUR_S * price("spot") * count) for count in COUNTS.values()]
        rows.append((stage, f"{share:.0%}", *costs))
    return ("first stage that changes", "of the work", *COUNTS), rows


def ids() -> Table:
    """The chance that two different pictures get one id."""
    rows = [(words, *(f"{collision(count, bits):.1g}" for bits in (64, 96, 128))) for words, count in COUNTS.items()]
    return ("photographs", "16 digits (now)", "24 digits", "32 digits"), rows


def queue() -> Table:
    """What handing out costs: claims a second that are needed, against what one disk and one driver do."""
    rows = []
    for words, count in COUNTS.items():
        a_second = count / (30 * DAY_S)
        names_s = count / of("listed names")
        share = f"{a_second / of('claims'):.2%}"
        rows.append((words, number(a_second), share, time(names_s), size(count * of("name memory"))))
    return ("photographs", "claims a second", "of one disk", "listing the names", "names in memory"), rows


TABLES: dict[str, Callable[[], Table]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        figures, prices, compute, gpu, storage, objects, layout, listing, small_files, egress, spot, keep, backfill,
        ids, queue,
    )
}  # fmt: skip


def number(value: float) -> str:
    """Three digits, with words for large numbers."""
    for limit, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if value >= limit:
            return f"{_three(value / limit)}{word}"
    return _three(value)


def _three(value: float) -> str:
    if value >= 1000:
        return f"{round(value, 2 - math.floor(math.log10(value))):,.0f}"
    return f"{value:.3g}"


def dollars(value: float) -> str:
    return f"${number(value)}" if value >= 1 else f"${value:.2g}"


def size(value: float) -> str:
    for limit, word in ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{_three(value / limit)} {word}"
    return f"{value:.0f} B"


def time(seconds: float) -> str:
    for limit, word in ((365 * DAY_S, "years"), (2 * DAY_S, "days"), (2 * HOUR_S, "h"), (120, "min")):
        if seconds >= limit:
            return f"{_three(seconds / (limit if word == 'years' else limit / 2))} {word}"
    return f"{_three(seconds)} s"


def markdown(table: Table) -> str:
    head, rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(page: str) -> str:
    """The page with each table that it marks as it is computed now."""
    for name, function in TABLES.items():
        made = markdown(function()).replace("\\", r"\\")
        page = re.sub(_BLOCK.format(name=name), rf"\g<1>{made}\n\g<2>", page, flags=re.DOTALL)
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--price", nargs="*", default=[], metavar="NAME=DOLLARS")
    asked = parser.parse_args()
    for name, _, value in (words.partition("=") for words in asked.price):
        PRICES[name] = replace(PRICES[name], value=float(value), source="given on the command line")
    if asked.measure:
        from scale_measure import measured

        print("\n".join(f"{name}: {value:.4g}" for name, value in measured()))
    elif asked.write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print("\n\n".join(f"{name}\n\n{markdown(function())}" for name, function in TABLES.items()))


if __name__ == "__main__":
    main()
