"""The values that a knob may have, the sentence about a wrong value, and the knobs that are paths."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, NoReturn, get_args, get_origin, get_type_hints


class Range(NamedTuple):
    """Numbers from `low` to `high`; `above` and `below` leave out `low` and `high` themselves."""

    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        """Whether the number is finite and inside; NaN never is."""
        over = value > self.low if self.above else value >= self.low
        under = value < self.high if self.below or self.high == math.inf else value <= self.high
        return over and under

    def words(self) -> str:
        """The range for an error message, such as "0 or more" or "over 0 and up to 1"."""
        if self.high == math.inf:
            return f"over {self.low:g}" if self.above else f"{self.low:g} or more"
        if not (self.above or self.below):
            return f"{self.low:g} to {self.high:g}"
        low = f"over {self.low:g}" if self.above else f"{self.low:g} or more"
        return f"{low} and {'under' if self.below else 'up to'} {self.high:g}"


Limit = Range | tuple[str, ...]
"""What a field may hold: numbers of a range, or words (each item, where the field is a list)."""
_NOTED: ContextVar[dict[tuple[type, str], Limit] | None] = ContextVar("limits", default=None)


@contextmanager
def noted_limits() -> Iterator[dict[tuple[type, str], Limit]]:
    """The limits that the objects built in the block check their fields for, by class and field.

    So that a description of the knobs need not repeat what the classes say.
    """
    noted: dict[tuple[type, str], Limit] = {}
    before = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(before)


def _note(owner: object, name: str, limit: Limit) -> None:
    if (noted := _NOTED.get()) is not None:
        noted[type(owner), name] = limit


FROM_0, FROM_1, ABOVE_0, SHARE = Range(0), Range(1), Range(0, above=True), Range(0, 1)


def check_ranges(owner: object, **wanted: tuple[float, float] | Range) -> None:
    """Raises ValueError unless every named field of the dataclass `owner` holds a number in its range.

    None is accepted if the type of the field allows it. Every item of a sequence must be in the range. All fields of a
    Literal type are checked too, although they are not named: they must have one of the values of the Literal.
    """
    hints = get_type_hints(type(owner))
    for name, hint in hints.items():
        if (words := allowed_words(hint)) and getattr(owner, name) not in words:
            refuse(owner, name, one_of(words))
    for name, bounds in wanted.items():
        value, known = getattr(owner, name), Range(*bounds)
        _note(owner, name, known)
        optional = NoneType in get_args(hints[name])
        items = value if isinstance(value, Sequence) else [value]
        if not (value is None and optional) and not all(map(known.holds, items)):
            refuse(owner, name, known.words() + (", or null" if optional else ""))


def check_words(owner: object, **wanted: Sequence[str]) -> None:
    """Raises ValueError unless each named field of `owner` is one of the wanted words."""
    for name, known in wanted.items():
        _note(owner, name, tuple(known))
        require(owner, name, getattr(owner, name) in known, one_of(known))


def check_choices(owner: object, **wanted: Sequence[str]) -> None:
    """Raises ValueError unless each named field of `owner` is a list of some of the wanted words, each at most once."""
    for name, known in wanted.items():
        _note(owner, name, tuple(known))
        values = getattr(owner, name)
        if odd := [value for value in values if value not in known or values.count(value) > 1]:
            near = "".join(f"; did you mean {word}?" for word in get_close_matches(str(odd[0]), known, 1))
            wishes = f"some of {', '.join(known)}, each once, or []"
            raise ValueError(f"{type(owner).__name__}.{name}: got {odd[0]!r}; wanted {wishes}{near}")


def allowed_words(hint: Any) -> tuple[Any, ...]:
    """The values of a Literal type, including None if it is allowed; () for any other type."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    parts = [part for part in get_args(hint) if part is not NoneType]
    optional = len(parts) < len(get_args(hint))
    return (*allowed_words(parts[0]), None) if optional and len(parts) == 1 and allowed_words(parts[0]) else ()


def one_of(words: Sequence[Any]) -> str:
    """The words to choose from, for an error message."""
    return f"one of {', '.join('null' if word is None else str(word) for word in words)}"


def require(owner: object, name: str, holds: object, wanted: str) -> None:
    """Raises ValueError about the field `name` of `owner`, unless `holds`."""
    if not holds:
        refuse(owner, name, wanted)


def refuse(owner: object, name: str, wanted: str) -> NoReturn:
    """Raises ValueError with the value of the field and with what was wanted."""
    raise ValueError(f"{type(owner).__name__}.{name}: got {getattr(owner, name)!r}; wanted {wanted}")


@cache
def path_fields(owner: type) -> frozenset[str]:
    """The names of the fields of a dataclass whose type is `Path`, or includes it."""
    return frozenset(name for name, hint in get_type_hints(owner).items() if Path in (hint, *get_args(hint)))
