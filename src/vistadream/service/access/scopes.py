"""What a request needs to be allowed: one table for all routes. A path that no line of it is about has no route.

A new part of the service adds its first word below /v1 here; tests/service/access/test_scopes.py walks all routes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Scope = Literal["jobs:read", "jobs:write", "metrics", "admin"]
SCOPES: tuple[Scope, ...] = ("jobs:read", "jobs:write", "metrics", "admin")
Kind = Literal["read", "submit", "admin"]
"""The classes of routes whose rates are limited apart."""
READING = ("GET", "HEAD", "OPTIONS")


class Need(NamedTuple):
    """What a route asks of a request."""

    scope: Scope | None
    """None: it is open to whoever can connect, as it says little."""
    kind: Kind


class _Area(NamedTuple):
    """The scopes of reading and of changing something."""

    reading: Scope | None
    changing: Scope | None


_OPEN = _Area(None, None)
_JOBS = _Area("jobs:read", "jobs:write")
_ADMIN = _Area("admin", "admin")
_AREAS = {
    "/": _OPEN,
    "/page": _OPEN,
    "/lib": _OPEN,
    "/openapi.json": _OPEN,
    "/v1/page": _OPEN,
    "/v1/session": _OPEN,
    "/v1/health": _OPEN,
    "/v1/ready": _OPEN,
    "/v1/predict": _JOBS,
    "/v1/jobs": _JOBS,
    "/v1/batches": _JOBS,
    "/v1/events": _JOBS,
    "/v1/gallery": _JOBS,
    "/v1/webhooks": _JOBS,
    "/v1/knobs": _JOBS,
    "/v1/models": _JOBS,
    "/v1/backends": _JOBS,
    "/v1/stats": _JOBS,
    "/v1/cache": _Area("jobs:read", "admin"),
    "/v1/keys": _ADMIN,
    "/metrics": _Area("metrics", "metrics"),
}


def need_of(method: str, path: str) -> Need | None:
    """What a request with this method, "GET" for a WebSocket, needs; None where there is no route."""
    parts = path.split("/")
    begins = "/".join(parts[: 3 if parts[1:2] == ["v1"] else 2])
    area = None if begins == "/" != path else _AREAS.get(begins)
    if area is None:
        return None
    reads = method in READING or parts[-1] == "ticket"  # which lets a browser read what its owner may read
    scope = area.reading if reads else area.changing
    return Need(scope, "admin" if scope == "admin" else "read" if reads else "submit")
