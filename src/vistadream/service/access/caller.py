"""Who asks: the owner of jobs that a request acts for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection


@dataclass(frozen=True)
class Caller:
    """Somebody whose request has been let in."""

    owner: str
    """Whose jobs these are; of another owner's job nobody learns that it is there."""


LOCAL = Caller("local")
"""Whoever can reach a service that has no API keys."""


def caller_of(connection: HTTPConnection) -> Caller:
    """The caller of a request or a socket."""
    connection.scope["owner"] = LOCAL.owner  # for the log
    return LOCAL


Asking = Annotated[Caller, Depends(caller_of)]
