"""Names: of files, which may be one and their order; of events, and the series that they belong to."""

from __future__ import annotations

import re
from typing import Any

PHOTO = "photo"
"""The second word in the names of events about one of several photos, whose name follows: "load/photo/NAME"."""


def is_plain_name(name: Any) -> bool:
    """Whether `name` is the bare name of a file, without any part that leads into another folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def natural_order(name: object) -> tuple[tuple[tuple[int, str], ...], str]:
    """A key that sorts names, or paths, as people count: img2 before img10."""
    parts = re.split(r"(\d+)", str(name).casefold())
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts), str(name)


def group_of(event: str) -> str:
    """What an event is about: a stage, a numbered frame of it, or one of several photos.

    "coarse/03/hole" -> "coarse/03"; "initialize/photo/a/z" -> "initialize/photo/a"; "coarse/closed" -> "coarse".
    """
    stage, *words = event.split("/")
    if len(words) > 1 and words[0].isdigit():
        return f"{stage}/{words[0]}"
    return "/".join([stage, *words[:2]]) if len(words) > 1 and words[0] == PHOTO else stage


def role_of(event: str) -> str:
    """The name of an event without the numbers of frames; the name of a photo stays.

    "coarse/03/hole" -> "coarse/hole"; "load/photo/012/rgb" stays.
    """
    photo = group_of(event) if f"/{PHOTO}/" in group_of(event) else ""
    rest = event.removeprefix(photo)
    return photo + "/".join(word for word in rest.split("/") if not word.isdigit())
