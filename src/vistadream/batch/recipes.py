"""The knobs of a batch: their combinations, and the key of each, which says what its results depend on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vistadream.backends.device import device_of
from vistadream.batch.items import KNOB_DIGITS
from vistadream.config import (
    INPUT_KNOBS,
    Composed,
    compose,
    expand,
    name_of,
    outside_words,
    quote_paths,
    unquoted,
    with_resolution,
)
from vistadream.core import UserError
from vistadream.formats.files import sha256_of
from vistadream.version import __version__

_DECIDES_NOTHING = (
    "image", "input", "prompt", "out", "resume", "memory", "*.memory", "accept_noncommercial", "*.accept_noncommercial",
    "checkpoint_seconds", "rerun.*", "observers.*", "*.threads", "job.*",
)  # fmt: skip
"""Knobs that change no byte of a result."""
_REFUSED = {
    "image": "wanted images=: a folder, a list or an archive of pictures",
    "input": "wanted images=, each picture of which becomes a scene; several photos of one place are for multi-img",
    "prompt": "wanted images=: a picture from words is the work of vistadream single-img",
    "resume": "wanted the same command again, which goes on with what is left",
}


@dataclass(frozen=True)
class Recipe:
    """One combination of knobs."""

    words: tuple[str, ...]
    key: str
    """8 hex digits of the sha256 of all knobs that decide the results, with version, weights and files."""


class Recipes:
    """The combinations of the words' comma-separated values, also with the knobs of single pictures."""

    def __init__(self, words: Sequence[str]):
        """UserError for words that do not compose, or that a batch does not read."""
        for word in words:
            if wanted := _REFUSED.get(name_of(word)):
                raise UserError(f"{word} is not read by a batch; {wanted}")
        self._combinations = [
            list(each) for each in expand(quote_paths([_absolute(word) for word in words], many=True))
        ]
        self._made: dict[str, list[Recipe]] = {}
        self.common = self.of({})

    def check_devices(self) -> None:
        """UserError where this machine lacks a device that is asked for."""
        for word in (word for recipe in self.common for word in recipe.words if name_of(word) == "device"):
            device_of(unquoted(word), None)

    def of(self, knobs: Mapping[str, Any]) -> list[Recipe]:
        """The combinations for a picture with knobs of its own, which count before those of all.

        UserError for knobs that a manifest, which somebody else may have written, may not set.
        """
        key = json.dumps(knobs, sort_keys=True)
        if key not in self._made:
            self._made[key] = list({recipe.key: recipe for recipe in self._new(knobs)}.values())
        return self._made[key]

    def _new(self, knobs: Mapping[str, Any]) -> Iterator[Recipe]:
        own = quote_paths(outside_words(knobs)) if knobs else []
        for words in self._combinations:
            yield recipe_of([*(word for word in words if name_of(word) not in knobs), *own])


def recipe_of(words: Sequence[str]) -> Recipe:
    """One combination, with `auto` replaced by what it means here, so that every machine makes the same of it."""
    words, _ = with_resolution(words)
    composed = compose(words)
    for part in ("export", *(f"stages.{stage}" for stage in composed.plan())):
        composed.build(part)  # which refuses a value out of its range before any picture is worked on
    chosen = {f"backends/{role}": choice.name for role, choice in composed.choices.items()}
    kept = [word for word in words if name_of(word) not in chosen]
    return Recipe((*kept, *(f"{group}={name}" for group, name in chosen.items())), key_of(composed))


def key_of(composed: Composed) -> str:
    """The key of a configuration. Files that it names count by what they hold."""
    knobs = composed.knobs()
    files = {knobs[name]: _content(knobs[name]) for name in INPUT_KNOBS if isinstance(knobs.get(name), str)}
    deciding = {
        name: files.get(value, value) if isinstance(value, str) else value
        for name, value in knobs.items()
        if not any(fnmatchcase(name, pattern) for pattern in _DECIDES_NOTHING)
    }
    text = json.dumps([__version__, deciding], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:KNOB_DIGITS]


def _content(path: str) -> str:
    file = Path(os.path.expanduser(path))
    return sha256_of(file) if file.is_file() else path


def _absolute(word: str) -> str:
    """The word with the path of a file made absolute: workers may have another working folder."""
    if name_of(word) not in INPUT_KNOBS or not os.path.exists(path := os.path.expanduser(unquoted(word))):
        return word
    return f"{name_of(word)}={Path(path).absolute()}"
