"""What the report shows of several photos: small pictures of each, and a table with what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from vistadream.exporters.report import html
from vistadream.ops.image.pixels import shrunk

Picture = UInt8[np.ndarray, "h w 3"]
THUMBNAIL_PX = 240
"""Long side of the pictures of a photo at most."""
_OPEN_ROWS = 12
"""A table with more rows is closed at first."""


def cards(photos: Mapping[str, Mapping[str, Picture]], place: str) -> str:
    """Small pictures of each photo, by its name and by what they show, in one frame; empty without photos."""
    if not photos:
        return ""
    words = list(dict.fromkeys(caption for pictures in photos.values() for caption in pictures))
    order = f'<p class="quiet">from left to right: {", ".join(words)}</p>' if len(words) > 1 else ""
    frames = []
    for name, pictures in photos.items():
        small = {caption: shrunk(picture, THUMBNAIL_PX) for caption, picture in pictures.items()}
        frames.append(html.card(small, name, f"{place}: {name}, "))
    return f'{order}<div class="cards" style="--n:{len(words)}">{"".join(frames)}</div>'


def photo_table(data: Mapping[str, Any]) -> str:
    """The rows of a Summary about photos as a table that can be closed; empty where it has none.

    A column in which no photo has a value is left out, and so are the names of views, which are those of the files.
    """
    rows = data.get("photos")
    if not isinstance(rows, list) or not rows:
        return ""
    names = dict.fromkeys(key for row in rows for key, value in row.items() if value is not None and key != "view")
    body = [[_cell(row.get(name)) for name in names] for row in rows]
    table = html.table(body, [name.replace("_", " ") for name in names])
    return html.details(f"{len(rows)} photos", table, is_open=len(rows) <= _OPEN_ROWS)


def _cell(value: Any) -> Any:
    """A value in plain words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(f"{one:.4g}" if isinstance(one, float) else str(one) for one in value)
    return "" if value is None else value
