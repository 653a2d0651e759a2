"""JSON from outside, read strictly: no key twice, no NaN, no deep nesting, no endless number."""

from __future__ import annotations

from asyncio import to_thread
from typing import Any

from starlette.requests import Request

from vistadream.formats.json_file import parse_json
from vistadream.service.problems import ProblemError

_LONGEST_BODY = 64 << 10
_SPACE = " \t\r\n"
"""All that JSON takes for space."""


async def body_object(request: Request, example: str, longest: int = _LONGEST_BODY) -> dict[str, Any]:
    """The JSON object in the body of a request; {} where that is empty. ProblemError 413 for a long one, or 400."""
    read = bytearray()
    async for chunk in request.stream():
        if len(read) + len(chunk) > longest:
            raise ProblemError(413, f"the body is too long; wanted at most {longest} bytes")
        read += chunk
    try:
        body = read.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(400, "the body is not UTF-8; wanted JSON") from error
    return await to_thread(json_object, body, "the body", example) if body.strip(_SPACE) else {}


def json_object(text: str, what: str, example: str = '{"stage": "coarse", "seed": 3}') -> dict[str, Any]:
    """The JSON object in a text; ProblemError 400 says what is wrong with `what`, and how it may look."""
    try:
        found = parse_json(text)
    except ValueError as error:
        raise ProblemError(400, f"{what} is not JSON that can be read ({error}); wanted an object") from error
    if not isinstance(found, dict):
        raise ProblemError(400, f"{what} is not an object; wanted one such as {example}")
    return found
