"""Types and limits of knobs as JSON Schema, and the check of a value against such a schema."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from vistadream.core.knobs import Limit, Range, allowed_words, one_of

LONGEST_TEXT = 2_000
"""Characters of a text from outside."""
LONGEST_LIST = 1_000
LARGEST = 2**53 - 1
"""Numbers from outside are at most this large, which every reader of JSON holds exactly."""
_PLAIN = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "null": "null",
}
_TYPES: dict[str, Any] = {
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
    "null": NoneType,
}
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 60
_SHOWN.maxlevel = 3


def schema_of(hint: Any, limit: Limit | None = None, largest: int | None = None) -> dict[str, Any]:
    """The JSON Schema of what a field of this type may hold within its limit, and of numbers of up to `largest`."""
    if words := allowed_words(hint):
        return {"enum": list(words)}
    parts = [part for part in get_args(hint) if part is not NoneType]
    if NoneType in get_args(hint):
        one = schema_of(parts[0], limit, largest)
        return {"enum": [*one["enum"], None]} if "enum" in one else {**one, "type": [one["type"], "null"]}
    if get_origin(hint) in (list, Sequence):
        return {"type": "array", "maxItems": LONGEST_LIST, "items": schema_of(parts[0], limit, largest)}
    if limit is not None and not isinstance(limit, Range):
        return {"enum": list(limit)}
    return {"type": _PLAIN[hint], **_bounds(hint, limit, largest or LARGEST)}


def _bounds(hint: type, limit: Range | None, largest: int) -> dict[str, Any]:
    if hint is str:
        return {"maxLength": LONGEST_TEXT}
    if hint not in (int, float):
        return {}
    low, high, above, below = limit or Range(-LARGEST, LARGEST)
    return {
        "exclusiveMinimum" if above else "minimum": low,
        "exclusiveMaximum" if below and high <= largest else "maximum": min(high, largest),
    }


def misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """What was wanted in place of a value that does not fit the schema, in words; None where it fits."""
    if options := schema.get("anyOf"):
        found = [misfit(value, option) for option in options]
        return None if None in found else " or ".join(dict.fromkeys(found))
    if "enum" in schema:
        known = any(value is word or (isinstance(value, str) and value == word) for word in schema["enum"])
        return None if known else one_of(schema["enum"])
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    name = next((name for name in names if _is(value, name)), None)
    if name is None or not _within(value, name, schema):
        return " or ".join(_in_words(each, schema) for each in names)
    if name == "array":
        wrong = next(filter(None, (misfit(item, schema["items"]) for item in value)), None)
        return wrong and f"a list, each item {wrong}"
    return None


def shown(value: Any) -> str:
    """A value for an error message, however long or deep it is."""
    if isinstance(value, int) and abs(value) > 10**20:
        return f"a number of over {math.floor(value.bit_length() * math.log10(2))} digits"
    return _SHOWN.repr(value)


def _is(value: Any, name: str) -> bool:
    """Whether a value is of a type of JSON: true is no number, and 5.0 is a whole one."""
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _within(value: Any, name: str, schema: Mapping[str, Any]) -> bool:
    if name == "string":
        return len(value) <= schema["maxLength"]
    if name == "array":
        return len(value) <= schema["maxItems"] and not (
            schema.get("uniqueItems") and any(value.count(item) > 1 for item in value)
        )
    return name not in ("integer", "number") or _range(schema).holds(value)


def _range(schema: Mapping[str, Any]) -> Range:
    above, below = "exclusiveMinimum" in schema, "exclusiveMaximum" in schema
    low = schema["exclusiveMinimum" if above else "minimum"]
    return Range(low, schema["exclusiveMaximum" if below else "maximum"], above, below)


def _in_words(name: str, schema: Mapping[str, Any]) -> str:
    if name in ("integer", "number"):
        return f"{_WORDS[name]}, {_range(schema).words()}"
    if name == "string":
        return f"text of at most {schema['maxLength']} characters"
    if name == "array":
        return f"a list of at most {schema['maxItems']} items{', each once' * bool(schema.get('uniqueItems'))}"
    return _WORDS[name]
