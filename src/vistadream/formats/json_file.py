"""A strict reader for JSON files that other programs or people wrote."""

from __future__ import annotations

import json
import math
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

_DEEPEST = 64
"""The largest number of nested lists and objects; deeper nesting could exhaust the stack."""
_MOST_DIGITS = 308
"""The largest number of digits of an integer; a float holds no more."""
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
"""Strings, which can contain brackets, and brackets."""


def read_json(path: Path, finite: bool = True) -> Any:
    """The content of a JSON file in UTF-8 or UTF-16, with or without a byte order mark.

    Raises OSError, or ValueError if it is not JSON, nests too deeply, has a key twice in one object or has a number
    that a float cannot hold. NaN and Infinity are refused too, unless `finite` is False.
    """
    data = path.read_bytes()
    return parse_json(data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"), finite)


def parse_json(text: str, finite: bool = True) -> Any:
    """The content of a text, as `read_json` reads it from a file."""
    if (depth := _depth(text)) > _DEEPEST:
        raise ValueError(f"lists and objects nest {depth} deep; wanted at most {_DEEPEST}")
    constant = _refuse_constant if finite else None
    return json.loads(text, object_pairs_hook=_object, parse_int=_whole, parse_float=_float, parse_constant=constant)


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in _MARKS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(mark[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {twice!r} occurs twice; wanted each key once")
    return found


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits; wanted at most {_MOST_DIGITS}")
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:20]} is too large; wanted one below 1e308")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"holds {name}; wanted finite numbers")
