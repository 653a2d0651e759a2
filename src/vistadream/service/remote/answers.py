"""What a client makes of the answers of a service."""

from __future__ import annotations

import os
from typing import Any

import httpx

from vistadream.core import UserError

TRIES, LONG_TRIES = 4, 9
"""How often a request is sent, and how often somebody tries who waits for a job: some seconds, and some minutes."""
AGAIN = (408, 429, 502, 503, 504)
"""Answers after which the same request is sent again."""
VARIABLE = "VISTADREAM_API_KEY"
"""The environment variable with the API key: what is on a command line every user of the machine can read."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0


def checked(answer: httpx.Response) -> Any:
    """The JSON of a good answer; UserError with the sentence of a problem."""
    if answer.is_success:
        return answer.json() if answer.content else None
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"{answer.url} answered {answer.status_code}; wanted a service of VistaDream: check the address"
    raise UserError(detail)


def key_header(key: str | None) -> dict[str, str]:
    """The header with an API key or a token: the given one, else that of the environment, else none.

    UserError for one that cannot be a header. It is never repeated, as a log would keep it.
    """
    text = (key or os.environ.get(VARIABLE, "")).strip()
    if not (text.isascii() and text.isprintable()):
        raise UserError(f"the API key has letters that no key has; wanted vd_ID_SECRET: check {VARIABLE}")
    return {"Authorization": f"Bearer {text}"} if text else {}


def pause_s(failures: int) -> float:
    """How long to wait after this many failures, one after the other."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (failures - 1))


class Events:
    """Reads server-sent events line by line."""

    def __init__(self, answer: httpx.Response):
        """`answer` has been read up to its head."""
        self._answer, self._other, self._event = answer, "", dict[str, str]()

    def feed(self, line: str) -> list[dict[str, str]]:
        """The event that ends with this line, with its fields; [] where none does."""
        if not self._answer.is_success:
            self._other += line
            return []
        key, _, value = line.partition(": ")
        if line and key:
            self._event[key] = value
        if line or not self._event:
            return []
        event, self._event = self._event, {}
        return [event]

    def check(self) -> None:
        """UserError with the sentence of a problem that the answer was, unless it is worth another try."""
        status = self._answer.status_code
        if not self._answer.is_success and status not in AGAIN:
            checked(httpx.Response(status, text=self._other, request=self._answer.request))
