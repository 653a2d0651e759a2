"""Names of files: which may be one, and their order."""

from __future__ import annotations

import re
from typing import Any


def is_plain_name(name: Any) -> bool:
    """Whether `name` is the bare name of a file, without any part that leads into another folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}


def natural_order(name: object) -> tuple[tuple[tuple[int, str], ...], str]:
    """A key that sorts names, or paths, as people count: img2 before img10."""
    parts = re.split(r"(\d+)", str(name).casefold())
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts), str(name)
