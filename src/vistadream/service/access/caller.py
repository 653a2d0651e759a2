"""Who asks: the owner of jobs that a request acts for, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from vistadream.service.access.scopes import SCOPES, Scope

LOCAL_OWNER = "local"


@dataclass(frozen=True)
class Caller:
    """Somebody whose request has been let in."""

    owner: str
    """Whose jobs these are; of another owner's job nobody learns that it is there."""
    scopes: frozenset[str] = frozenset(SCOPES)
    name: str = ""
    """What its rates are counted by: a key, a token's subject, or an address."""
    key_id: str | None = None
    ends_s: float | None = None
    """When a token ends, in seconds since 1970."""

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes


async def caller_of(connection: HTTPConnection) -> Caller:
    """The caller of a request or a socket, whom the gate has let in. A plain function would wait for a thread."""
    return connection.scope["caller"]


Asking = Annotated[Caller, Depends(caller_of)]
