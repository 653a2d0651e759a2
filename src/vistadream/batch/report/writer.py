"""Writes report.json and report.html of a batch: on demand, and each minute while it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from vistadream.batch.again import again
from vistadream.batch.folder import BatchFolder
from vistadream.batch.index import opened
from vistadream.batch.report.figures import figures
from vistadream.batch.report.page import Thumbnail, page
from vistadream.batch.status import Status, starts_in, status
from vistadream.exporters.report.html import Picture
from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import read_json
from vistadream.version import __version__

_log = logging.getLogger("vistadream.batch")
EACH_S = 60.0
_PAUSES = 20
"""A report that took long, as with a million items, is followed by a pause of this many times its length."""
_THUMBNAIL_PX = 160
_MOST_BYTES = 64 * 2**20
"""A larger file is not opened for a small picture."""


def write_report(folder: BatchFolder, price_per_hour: float | None = None) -> Path:
    """Writes both files, each as a whole, and returns the path of the page. UserError where this is no batch.

    Without a price, that of the last report counts.
    """
    batch = starts_in(folder)[-1]
    now, price_per_hour = datetime.now(UTC), _last_price(folder) if price_per_hour is None else price_per_hour
    with opened(folder) as index:
        found, seen = figures(index, price_per_hour), status(folder, index, now.timestamp())
    about = {"title": folder.root.name, "vistadream": __version__, "written": now.isoformat(timespec="seconds")}
    whole = {**about, "batch": batch, "counts": _counts(seen), **found}
    whole["speed"] |= {"left_s": seen.left_s}
    with new_file(folder.report_json) as draft:
        write_json(draft, whole)
    with new_file(folder.report_html) as draft:
        draft.write_text(page(whole, thumbnails()), encoding="utf-8", errors="backslashreplace")
    return folder.report_html


def _last_price(folder: BatchFolder) -> float | None:
    try:
        return float(read_json(folder.report_json)["cost"]["price_per_hour"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _counts(seen: Status) -> dict[str, Any]:
    counts = {"items": seen.items, "published": seen.published, "given_up": seen.given_up}
    return {**counts, "under_way": len(seen.under_way), "left": seen.left}


def thumbnails() -> Thumbnail:
    """Opens each picture once."""

    @cache
    def thumbnail(name: str) -> Picture | None:
        try:
            if Path(name).stat().st_size > _MOST_BYTES:
                return None
            with Image.open(name) as picture:
                picture.draft("RGB", (2 * _THUMBNAIL_PX, 2 * _THUMBNAIL_PX))
                small = ImageOps.exif_transpose(picture).convert("RGB")
                small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
                return np.asarray(small)
        except Exception:  # whatever is wrong with the picture: its sentence says more
            return None

    return thumbnail


@contextmanager
def reporting(folder: BatchFolder, price_per_hour: float | None = None, each_s: float = EACH_S) -> Iterator[None]:
    """Writes the report again and again while the block runs, and once more at its end."""

    def write() -> float:
        began_s = time.monotonic()
        _written(folder, price_per_hour)
        return max(each_s, _PAUSES * (time.monotonic() - began_s))

    try:
        with again(write, each_s, "report"):
            yield
    finally:
        _written(folder, price_per_hour)


def _written(folder: BatchFolder, price_per_hour: float | None) -> None:
    try:
        write_report(folder, price_per_hour)
    except Exception:  # the disk is full, or its share is gone: the items are what matters
        _log.warning("the report cannot be written; another try follows", exc_info=True)
