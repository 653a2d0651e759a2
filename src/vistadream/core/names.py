"""Checks of names that become file names."""

from __future__ import annotations

from typing import Any


def is_plain_name(name: Any) -> bool:
    """Whether `name` is the bare name of a file, without any part that leads into another folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}
