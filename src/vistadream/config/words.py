"""The words of the command line: which hold paths or sentences, how they are quoted, and the runs of a sweep."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from vistadream.core import UserError

_MODEL_PATHS = ("backends.depth.path", "backends.outpaint.path", "backends.outpaint.text_path")
INPUT_KNOBS = ("image", *_MODEL_PATHS, "trajectory.path")
"""Knobs that name a file or a folder to read."""
PATH_KNOBS = (*INPUT_KNOBS, "resume", "out")
"""Knobs whose value is a path and is taken to the letter."""
CAPTION = "backends.caption.text"
TEXT_KNOBS = ("prompt", CAPTION)
"""Knobs whose value is a sentence and is taken to the letter."""


def quote_paths(words: Sequence[str], many: bool = False) -> list[str]:
    """Overrides with their path and text knobs quoted for Hydra's grammar, so that any file name works as it is.

    `many`: a value that names no file is a list of paths at its commas (for --multirun). `+image=x` means `image=x`.
    """
    quoted = []
    for word in words:
        knob, equals, value = word.partition("=")
        knob = knob.lstrip("+")
        if knob not in (*PATH_KNOBS, *TEXT_KNOBS) or not equals or value == "null" or value[:1] in "'\"":
            quoted.append(word)
            continue
        listed = many and knob in PATH_KNOBS and not os.path.exists(os.path.expanduser(value))
        parts = value.split(",") if listed else [value]
        quoted.append(f"{knob}={','.join(_quote(part) for part in parts)}")
    return quoted


def unquoted(word: str) -> str:
    """The value of a word to the letter: as it stands, or what Hydra's quotes around it hold."""
    value = word.partition("=")[2]
    return str(parse(word).value()).replace("\\${", "${") if value[:1] in ("'", '"') else value


def _quote(text: str) -> str:
    """In Hydra's single quotes, where a backslash counts only before a quote; interpolations are escaped."""
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)
    text = re.sub(r"(\\+)$", r"\1\1", text)
    return "'" + text.replace("${", "\\${") + "'"


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
    except HydraException as error:
        raise UserError(
            f"cannot read {word!r}; wanted knob=value: put a value with special characters in quotes, as in "
            "'prompt=\"a, b\"'"
        ) from error


def name_of(word: str) -> str:
    """The knob or group that a word is about."""
    return word.partition("=")[0].lstrip("+")
