"""Parts of the report as HTML. Every text is escaped here, except `Raw`."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

Picture = UInt8[np.ndarray, "h w 3"]
_JPEG_QUALITY = 88


class Raw(str):
    """Text that is already HTML."""


def document(title: str, body: str) -> str:
    """A whole page with that body, in the colors of the device, light or dark, and for a phone's screen too."""
    template = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body=body)


def section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def table(rows: Sequence[Sequence[Any]], head: Sequence[str]) -> str:
    """A table that scrolls horizontally on a narrow screen; empty if there are no rows."""
    if not rows:
        return ""
    top = "".join(f"<th>{escape(name)}</th>" for name in head) if any(head) else ""
    body = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def bar(share: float) -> Raw:
    """A horizontal bar in a cell of a table; `share` is its width relative to the cell, 0 to 1."""
    return Raw(f'<div class="bar" style="width:{100 * share:.1f}%"></div>')


def link(target: str, words: str) -> Raw:
    return Raw(f'<a href="{escape(target)}">{escape(words)}</a>')


def bullets(items: Iterable[str]) -> str:
    """A list; empty if there are no items."""
    inside = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<ul>{inside}</ul>" if inside else ""


def figure(inside: str, caption: str) -> str:
    return f"<figure>{inside}<figcaption>{escape(caption)}</figcaption></figure>"


def image(picture: Picture, caption: str, alt: str) -> str:
    return figure(_img(picture, alt), caption)


def card(pictures: Mapping[str, Picture], caption: str, place: str) -> str:
    """Small pictures side by side with one caption; the description of each begins with `place`."""
    inside = "".join(_img(picture, place + words) for words, picture in pictures.items())
    return figure(f"<div>{inside}</div>", caption)


def details(title: str, body: str, is_open: bool) -> str:
    """A part of the page that can be opened and closed."""
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>{body}</details>"


def slider(before: Picture, after: Picture, before_caption: str, after_caption: str, place: str) -> str:
    """Both pictures on top of each other, with a slider for mouse, finger and arrow keys that uncovers the first.

    The descriptions for screen readers begin with `place`.
    """
    names = f"<span>{escape(before_caption)}</span><span>{escape(after_caption)}</span>"
    label = escape(f"{place}percent of the picture that shows {before_caption}, the rest {after_caption}")
    handle = f'<input type="range" min="0" max="100" value="50" aria-label="{label}">'
    pictures = _img(after, place + after_caption) + _img(before, place + before_caption)
    return f'<figure class="slider"><div>{pictures}{handle}</div><figcaption>{names}</figcaption></figure>'


def video(content: bytes | None, link: str, caption: str) -> str:
    """A video that starts automatically and repeats; embedded, or linked if `content` is None."""
    source = _data_uri(content, "video/mp4") if content is not None else escape(link)
    tag = f'<video src="{source}" aria-label="{escape(caption)}" autoplay muted loop playsinline controls></video>'
    return f'<figure>{tag}<figcaption>{escape(caption)} (<a href="{escape(link)}">file</a>)</figcaption></figure>'


def memory(count: int) -> str:
    """A number of bytes in KiB, MiB or GiB."""
    if count >= 2**30:
        return f"{count / 2**30:.2f} GiB"
    return f"{count / 2**20:.0f} MiB" if count >= 10 * 2**20 else f"{count / 2**10:,.0f} KiB"


def _img(picture: Picture, alt: str) -> str:
    height, width = picture.shape[:2]
    return f'<img src="{_picture_uri(picture)}" width="{width}" height="{height}" alt="{escape(alt)}">'


def _picture_uri(picture: Picture) -> str:
    """Masks as PNG, which is exact and small for them; other pictures as JPEG."""
    stream = io.BytesIO()
    if np.isin(picture, (0, 255)).all():
        Image.fromarray(picture).convert("1").save(stream, "PNG", optimize=True)
        return _data_uri(stream.getvalue(), "image/png")
    Image.fromarray(picture).save(stream, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return _data_uri(stream.getvalue(), "image/jpeg")


def _data_uri(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def _text(cell: Any) -> str:
    if isinstance(cell, Raw):
        return cell
    return escape(f"{cell:.5g}" if isinstance(cell, float) else str(cell))
