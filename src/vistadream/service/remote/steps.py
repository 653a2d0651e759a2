"""The steps of which a conversation with a service consists; a client carries them out, blocking or not.

A conversation (`talks.py`) is a generator: it yields a step and gets its result, or httpx.TransportError where the
connection failed. So the logic is written once, for the synchronous and for the asynchronous client.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx


@dataclass(frozen=True)
class Send:
    """Sends a request; the result is its httpx.Response."""

    method: str
    path: str
    how: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of httpx's `request`."""


@dataclass(frozen=True)
class Open:
    """Sends a GET whose answer is read piece by piece; the result is an Opened."""

    path: str
    headers: Mapping[str, str]
    by: Literal["lines", "bytes"]


@dataclass
class Opened:
    """An answer of which no more than the head has been read."""

    response: httpx.Response
    pieces: Any
    """An iterator, or an asynchronous one."""


@dataclass(frozen=True)
class Next:
    """Reads on; the result is the next piece, or None at the end."""

    opened: Opened


@dataclass(frozen=True)
class Close:
    """Ends the reading of an answer."""

    opened: Opened


@dataclass(frozen=True)
class Pause:
    """Waits."""

    seconds: float


@dataclass(frozen=True)
class Work:
    """Calls a function that takes a while, such as one that reads a large file; the result is its value."""

    act: Callable[[], Any]


@dataclass(frozen=True)
class Emit:
    """Hands a value to whoever iterates over the conversation."""

    value: Any


Talk = Generator[Any, Any, Any]
"""A conversation: it yields steps, and returns its result."""
