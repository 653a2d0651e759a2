"""The socket that the service listens on. It is bound before anything else starts."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from vistadream.core import UserError
from vistadream.service.knobs import ServeKnobs

_FIRST, _TRIED = 8000, 200
"""The ports that port=auto tries, and how many."""
_BACKLOG = 1024


@dataclass(frozen=True)
class Listener:
    """A bound socket, and what people are to know of it."""

    sock: socket.socket
    url: str
    path: Path | None = None
    """The socket file."""
    is_exposed: bool = False
    """Other machines can connect."""
    taken: int | None = None
    """The port that was asked for, where another program has it."""

    def remarks(self, needs_key: bool) -> list[str]:
        """Where the service is, and who else can reach it, one line each."""
        if self.path:
            return [f"listening on the socket file {self.path}, which only its owner can open"]
        whose = "only with an API key or a token" if needs_key else "as there is no API key"
        if self.is_exposed:
            reach = f"other machines can connect, {whose}; nothing is encrypted: put a proxy with TLS in front of it"
        elif needs_key:
            reach = f"every user of this machine can connect, {whose}"
        else:
            reach = f"every user of this machine can connect, {whose}: uds=PATH or vistadream keys add keeps others out"
        instead = f", as port {self.taken} is taken by another program" if self.taken else ""
        return [f"listening on {self.url}{instead}", reach]

    def close(self) -> None:
        """Closes the socket and removes its file."""
        self.sock.close()
        if self.path:
            self.path.unlink(missing_ok=True)


def listen(knobs: ServeKnobs) -> Listener:
    """Binds the socket; UserError when the port or the path is taken or cannot be used."""
    if knobs.uds:
        return _listen_on_file(knobs.uds)
    return listen_from(knobs, _FIRST) if knobs.port == "auto" else _listen_on_port(knobs, knobs.port)


def listen_from(knobs: ServeKnobs, first: int) -> Listener:
    """Binds the first port from `first` on that is free; no program on a taken one is touched."""
    last = min(first + _TRIED - 1, 65535)
    for port in range(first, last + 1):
        with suppress(_TakenError):
            return replace(_listen_on_port(knobs, port), taken=first if first not in (port, _FIRST) else None)
    raise UserError(f"the ports {first} to {last} are all taken; wanted a free one: name it by port=")


class _TakenError(UserError):
    """The port is in use."""


def _listen_on_port(knobs: ServeKnobs, port: int) -> Listener:
    is_v6 = ":" in knobs.host
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio wants it for TCP_NODELAY
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of connections that are just closing
        sock.bind((knobs.host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise _TakenError(
                f"port {port} is taken by another program; wanted a free one: choose it by port=, or port=auto"
            ) from error
        wanted = "wanted an address of this machine, and a port that you may open"
        raise UserError(f"host={knobs.host} port={port} cannot be used ({error.strerror}); {wanted}") from error
    host = f"[{knobs.host}]" if is_v6 else knobs.host
    return Listener(sock, f"http://{host}:{port}", is_exposed=knobs.is_exposed)


def _listen_on_file(path: Path) -> Listener:
    """A socket file of mode 0600. One that nobody listens on any more is replaced; any other file is left alone."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o177)
    try:
        if _is_left_over(path):
            path.unlink()
        sock.bind(str(path))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        reason = "it exists" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise UserError(f"uds={path} cannot be used ({reason}); wanted a new, short path") from error
    finally:
        os.umask(umask)
    return Listener(sock, "http://localhost", path)


def _is_left_over(path: Path) -> bool:
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == errno.ECONNREFUSED
