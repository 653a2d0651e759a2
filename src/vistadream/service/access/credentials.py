"""What a request brings along to say who asks: a key or token, the cookie of a session, its address."""

from __future__ import annotations

from fastapi.requests import HTTPConnection

from vistadream.service.access.rates import network_of
from vistadream.service.access.sessions import cookie_name


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; all that come by the socket file are one."""
    return f"address:{network_of(connection.client.host)}" if connection.client else "socket"


def session_text(connection: HTTPConnection) -> str:
    """The cookie of a session; "" without one."""
    return connection.cookies.get(cookie_name(connection.headers.get("host", "")), "")


def credential(connection: HTTPConnection) -> str:
    """The key or token of a request. A header Authorization of another kind is that of a proxy."""
    kind, _, text = connection.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else connection.headers.get("x-api-key", "").strip()
