"""JSON from outside, read strictly: no key twice, no NaN, no deep nesting, no endless number."""

from __future__ import annotations

from typing import Any

from vistadream.formats.json_file import parse_json
from vistadream.service.problems import ProblemError


def json_object(text: str, what: str) -> dict[str, Any]:
    """The JSON object in a text; ProblemError 400 says what is wrong with `what`."""
    try:
        found = parse_json(text)
    except ValueError as error:
        raise ProblemError(400, f"{what} is not JSON that can be read ({error}); wanted an object") from error
    if not isinstance(found, dict):
        raise ProblemError(400, f'{what} is not an object; wanted one such as {{"stage": "coarse", "seed": 3}}')
    return found
