"""How a client reaches a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vistadream.service.remote.answers import key_header

Job = dict[str, Any]
"""A job as the service answers it."""
Batch = dict[str, Any]
"""A batch with its jobs as the service answers it."""
SILENCE_S = 60.0
"""A stream of events sends at least a comment every 15 s."""
_UNIX = "unix:"


def connection(url: str, timeout_s: float, key: str | None, transport: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of httpx's client for http://HOST:PORT, or unix:PATH of a socket file."""
    common = {"timeout": timeout_s, "trust_env": False, "headers": key_header(key)}
    if not url.startswith(_UNIX):
        return {"base_url": url, **common}
    return {"base_url": "http://localhost", "transport": transport(uds=url.removeprefix(_UNIX)), **common}
