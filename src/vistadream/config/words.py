"""The words of the command line: which hold paths or sentences, how they are quoted, and the runs of a sweep."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from hydra.errors import HydraException

from vistadream.config.earlier_words import today
from vistadream.core import UserError

_BACKENDS_WITH_FILES = ("depth", "splats", "outpaint", "caption", "text_to_image")
_BACKEND_PATHS = (
    *(f"backends.{role}.path" for role in _BACKENDS_WITH_FILES),
    "backends.poses.network.path",
    "backends.multi_depth.network.path",
    "backends.depth.sky_mask",
    "backends.outpaint.text_path",
)
CAMERA_PATH = "trajectory.path"
SEVERAL = "input"
"""The knob that names one path, a pattern such as photos/*.jpg, or a list of files."""
INPUT_KNOBS = ("image", SEVERAL, *_BACKEND_PATHS, CAMERA_PATH)
"""Knobs that name a file or a folder to read."""
PATH_KNOBS = (*INPUT_KNOBS, "resume", "out")
"""Knobs whose value is a path and is taken to the letter."""
CAPTION = "backends.caption.text"
TEXT_KNOBS = ("prompt", CAPTION)
"""Knobs whose value is a sentence and is taken to the letter."""
_SHOWN = 200
"""Characters of a word that an error repeats."""


def quote_paths(words: Sequence[str], many: bool = False) -> list[str]:
    """Overrides with their path and text knobs quoted for Hydra's grammar, so that any file name works as it is.

    `many`: a value that names no file is a list of paths at its commas (for --multirun). `+image=x` means `image=x`.
    """
    return [_to_the_letter(today(word), many) for word in words]


def _to_the_letter(word: str, many: bool) -> str:
    knob, equals, value = name_of(word), "=" in word, word.partition("=")[2]
    if knob not in (*PATH_KNOBS, *TEXT_KNOBS) or not equals or value == "null":
        return word
    if knob == SEVERAL and value.startswith("["):
        return f"{knob}={quoted(value)}"
    listed = _listed(value) if knob in PATH_KNOBS else _listed_sentences(value)
    return f"{knob}={','.join(quoted(_literal(each)) for each in (listed if many else [value]))}"


def unquoted(word: str) -> str:
    """The value of a word for a path or a sentence, to the letter."""
    return _literal(word.partition("=")[2])


def _literal(value: str) -> str:
    """As it stands where a file has that very name; else without the quotes of Hydra's grammar around it."""
    inside = None if _is_there(value) else _in_quotes(value)
    return value if inside is None else inside


def _is_there(path: str) -> bool:
    return os.path.exists(os.path.expanduser(path))


def _listed(value: str) -> Iterator[str]:
    """The paths of a list at its commas; a name that holds commas is one path where it is a file or in quotes."""
    parts = value.split(",")
    while parts:
        n = next((n for n in range(len(parts), 1, -1) if _is_one_path(",".join(parts[:n]))), 1)
        yield ",".join(parts[:n])
        parts = parts[n:]


def _listed_sentences(value: str) -> list[str]:
    """The sentences of a list, each in quotes; a comma outside of such a list belongs to the sentence."""
    parts = list(_listed(value))
    return parts if all(_in_quotes(part) is not None for part in parts) else [value]


def _is_one_path(value: str) -> bool:
    return _is_there(value) or _in_quotes(value) is not None


def _in_quotes(value: str) -> str | None:
    """What one pair of Hydra's quotes around the whole value holds; None where there is no such pair."""
    if not value.startswith(("'", '"')):
        return None
    try:
        inner = parse(f"x={value}")._value
    except UserError:
        return None
    return re.sub(r"(\\*)\1\\\$\{", r"\1${", inner.text) if isinstance(inner, QuotedString) else None


def quoted(text: str) -> str:
    """In Hydra's single quotes, where a backslash counts only before a quote; interpolations are escaped."""
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)
    return "'" + re.sub(r"(\\+)$", r"\1\1", text) + "'"


def expand(words: Sequence[str]) -> Iterator[list[str]]:
    """Every combination of the comma-separated values (and sweeps) of a --multirun."""
    choices = []
    for word in words:
        override = parse(word)
        if override.is_sweep_override():
            choices.append([f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()])
        else:
            choices.append([word])
    return (list(combination) for combination in itertools.product(*choices))


def parse(word: str) -> Any:
    try:
        return OverridesParser.create().parse_override(word)
    except (HydraException, RecursionError) as error:
        raise UserError(
            f"cannot read {word[:_SHOWN]!r}; wanted knob=value: put a value with special characters in quotes, as in "
            "'prompt=\"a, b\"'"
        ) from error


def with_path(words: Sequence[str], knob: str, substitute: Callable[[Path], Path]) -> list[str]:
    """Overrides in which the path of one knob is what `substitute` makes of it."""
    return [
        f"{knob}={quoted(str(substitute(Path(unquoted(word)))))}" if name_of(word) == knob else word for word in words
    ]


def name_of(word: str) -> str:
    """The knob or group that a word is about."""
    return word.partition("=")[0].lstrip("+")
