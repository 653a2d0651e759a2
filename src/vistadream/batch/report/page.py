"""report.html: the figures of a batch as one page that loads nothing from a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from vistadream.batch.tally import duration
from vistadream.exporters.report import html, svg
from vistadream.exporters.report.html import Picture

Thumbnail = Callable[[str], Picture | None]
"""The small picture of an item by its name; None where it cannot be opened."""
_QUALITY = {
    "input_psnr_db": "the photo's own view, PSNR in dB",
    "input_ssim": "the photo's own view, SSIM",
    "input_alpha_mean": "the photo's own view, share that is covered",
    "path_hole_ratio.largest": "the largest hole of the flight, share of the picture",
    "gaussians": "number of Gaussians",
}


def page(figures: Mapping[str, Any], thumbnail: Thumbnail) -> str:
    """The whole page."""
    parts = [_header(figures), _time(figures), _places(figures), _stages(figures), _repeated(figures)]
    parts += [_given_up(figures, thumbnail), _quality(figures["quality"], thumbnail), _knobs(figures)]
    return html.document(f"Batch {figures['title']}", "\n".join(filter(None, parts)))


def _header(figures: Mapping[str, Any]) -> str:
    counts, speed, cost = figures["counts"], figures["speed"], figures["cost"]
    rate, left_s = speed["images_an_hour"], speed.get("left_s")
    tiles = {
        "published": f"{counts['published']:,}",
        "given up": f"{counts['given_up']:,}",
        "under way": f"{counts['under_way']:,}",
        "left": "?" if counts["left"] is None else f"{counts['left']:,}",
        "images an hour": "?" if rate is None else f"{rate:,.1f}",
        "working time": duration(speed["working_s"]),
        "bytes published": html.memory(figures["bytes"]["published"]),
    }
    tiles |= {"time left": duration(left_s)} if left_s else {}
    tiles |= {"cost": f"{cost['whole']:,.2f}"} if cost else {}
    boxes = "".join(f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in tiles.items())
    written = (
        f'<p class="quiet">as of {escape(figures["written"])}, with vistadream {escape(figures["vistadream"])}</p>'
    )
    return f'<header><h1>{escape(figures["title"])}</h1><div class="tiles">{boxes}</div>{written}</header>'


def _time(figures: Mapping[str, Any]) -> str:
    points = figures["speed"]["over_time"]
    if len(points) < 2:
        return ""
    words = "hours since the first result"
    chart = html.figure(svg.line_chart(points, label=f"images an hour over the {words}"), words)
    return html.section("Images an hour", f'<div class="pictures">{chart}</div>')


def _places(figures: Mapping[str, Any]) -> str:
    head = ("node", "worker", "processes", "done", "attempts", "busy", "of the time", "images an hour")
    workers = html.table([_place(each) for each in figures["workers"]], head)
    devices = html.table([_place(each) for each in figures["devices"]], (head[0], "device", *head[2:]))
    return html.section("Workers and devices", workers + devices) if workers else ""


def _place(place: Mapping[str, Any]) -> Sequence[Any]:
    rate, share = place["images_an_hour"], place["busy_share"]
    shown = ("" if share is None else f"{share:.0%}", "" if rate is None else f"{rate:,.1f}")
    names = ("processes", "done", "attempts")
    return (place["node"], place["name"], *(f"{place[name]:,}" for name in names), duration(place["busy_s"]), *shown)


def _stages(figures: Mapping[str, Any]) -> str:
    stages, overhead = figures["stages"], figures["overhead"]
    if not stages:
        return ""
    longest = max(each["p50"] for each in stages.values()) or 1
    rows = [
        (name, f"{each['p50']:.2f}", html.bar(each["p50"] / longest), f"{each['p95']:.2f}", duration(each["sum"]))
        for name, each in stages.items()
    ]
    table = html.table(rows, ("part", "median, s", "", "95 of 100 within, s", "all items"))
    share = overhead["share"]
    words = "" if share is None else f"Start, reading and writing are {share:.1%} of the time of the items: "
    parts = ", ".join(f"{name} {duration(overhead[name])}" for name in overhead if name != "share")
    return html.section("Seconds of an item", f'{table}<p class="quiet">{escape(words + parts)}.</p>')


def _repeated(figures: Mapping[str, Any]) -> str:
    work = figures["repeated"]
    rows = [(each["cause"], f"{each['attempts']:,}", duration(each["seconds"])) for each in work["causes"]]
    if not rows:
        return html.section("Repeated work", "<p>No work was done twice.</p>")
    share = "" if work["share"] is None else f", {work['share']:.1%} of all"
    whole = f"<p>{duration(work['seconds'])}{share}, went into attempts without a result.</p>"
    return html.section("Repeated work", whole + html.table(rows, ("cause", "attempts", "time")))


def _given_up(figures: Mapping[str, Any], thumbnail: Thumbnail) -> str:
    body = list[str]()
    for group in figures["given_up"]:
        title = f"<h3>{group['count']:,} {escape(group['reason'])}</h3><p>{escape(group['sentence'])}</p>"
        body.append(title + _pictures([(each["name"], _called(each)) for each in group["items"]], thumbnail))
    if body:
        body.append(f'<p class="quiet">Work on these took {duration(figures["given_up_s"])}.</p>')
    return html.section("Given up", "".join(body)) if body else ""


def _quality(quality: Mapping[str, Mapping[str, Any]], thumbnail: Thumbnail) -> str:
    body = list[str]()
    for name, one in quality.items():
        chart = svg.histogram(one["edges"], one["counts"], label=_QUALITY[name])
        worst = [(each["name"], f"{each['value']:.4g}") for each in one["worst"]]
        rows = [
            (html.link(f"items/{each['id'][:2]}/{each['id']}/", _called(each)), each["value"]) for each in one["worst"]
        ]
        words = f"median {one['p50']:.4g}, 5 of 100 at most {one['p05']:.4g}"
        shown = f'<div class="pictures">{html.figure(chart, f"{_QUALITY[name]}: {words}")}</div>'
        looked = _pictures(worst, thumbnail) + html.table(rows, ("item", "value"))
        body.append(shown + html.details(f"the worst {len(rows)}", looked, is_open=not body))
    return html.section("Quality", "".join(body)) if body else ""


def _called(item: Mapping[str, Any]) -> str:
    """All names of an item."""
    return ", also ".join(item.get("names") or [item["name"]])


def _pictures(named: Sequence[tuple[str, str]], thumbnail: Thumbnail) -> str:
    """Small pictures by the names of their files, each with a caption; the caption alone where one cannot be opened."""
    cards, without = [], []
    for name, caption in named:
        picture = thumbnail(name)
        if picture is None:
            without.append(caption)
        else:
            cards.append(html.card({caption: picture}, caption, ""))
    shown = f'<div class="cards" style="--n:1">{"".join(cards)}</div>' if cards else ""
    return shown + html.bullets(without)


def _knobs(figures: Mapping[str, Any]) -> str:
    rows = [(name, str(value)) for name, value in figures["batch"].items()]
    return html.section("The batch", html.table(rows, ("", "")))
