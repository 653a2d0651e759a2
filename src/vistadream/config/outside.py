"""Knobs from outside, such as those of a request over HTTP, as checked words of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vistadream.config.composed import compose
from vistadream.config.knob_schema import outside_knobs
from vistadream.config.knob_types import LONGEST_TEXT, misfit, shown
from vistadream.config.outside_rules import REFUSED_CHOICES, refusal
from vistadream.config.plain_values import words_of
from vistadream.config.suggest import near
from vistadream.config.words import quote_paths
from vistadream.core import UserError

_LONGEST_NAME = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters other than tab and newline, and halves of characters, which no file can hold."""


def outside_words(knobs: Mapping[str, Any], job: str = "single_img", noncommercial: bool = False) -> list[str]:
    """One word for each knob, such as "stages.refine.steps=10"; UserError that names the first knob that is wrong.

    `knobs` are plain values by their dotted names, as `knob_schema` describes them. The words compose: what the built
    parts check among themselves is left to `app.job_from_words`. The input is not among the knobs: the caller adds the
    word that names the file. `noncommercial`: they may accept licenses that forbid commercial use.
    """
    known = outside_knobs(job, noncommercial)
    for name, value in knobs.items():
        _check_name(name, known.schema, known.refused, job)
        _check_value(name, value, known.schema[name])
    words = words_of({name: _plain(value, known.schema[name]) for name, value in knobs.items()})
    compose(quote_paths(words), job=job).plan()
    return words


def _check_name(name: object, known: Mapping[str, Any], refused: Mapping[str, str], job: str) -> None:
    if not isinstance(name, str) or len(name) > _LONGEST_NAME or _CONTROL.search(name):
        raise UserError(f"{shown(name)} is not a knob; wanted one of the schema of knobs, such as stages.coarse.steps")
    if name in known:
        return
    if why := refused.get(name) or refusal(name.lstrip("+~"), job):
        raise UserError(f"{name} cannot be set from outside: it {why}")
    raise UserError(f"{name!r} is not a knob; wanted one of the schema of knobs{near(name, list(known))}")


def _check_value(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    for text in _texts(value):
        if "${" in text:
            raise UserError(f"{name}: got {shown(value)}; wanted plain text, without ${{ in it")
        if len(text) <= LONGEST_TEXT and _CONTROL.search(text):
            raise UserError(f"{name}: got {shown(value)}; wanted text without control characters")
    if (why := REFUSED_CHOICES.get(name, {}).get(value) if isinstance(value, str) else None) is not None:
        raise UserError(f"{name}={value} cannot be chosen from outside: it {why}")
    if wanted := misfit(value, schema):
        hint = near(value, [word for word in schema["enum"] if word]) if _is_word(value, schema) else ""
        raise UserError(f"{name}: got {shown(value)}; wanted {wanted}{hint}")


def _is_word(value: Any, schema: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and "enum" in schema and len(value) <= _LONGEST_NAME


def _texts(value: Any) -> list[str]:
    """The texts of a value; of a list those on its first level, as no knob has texts below."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _plain(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value as the classes take it: JSON has one kind of number, in which 5.0 is a whole one."""
    names = schema.get("type", ())
    whole = "integer" in ([names] if isinstance(names, str) else names)
    return int(value) if whole and isinstance(value, float) else value
