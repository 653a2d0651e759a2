"""Who a request is from: by an API key, a token or a ticket, or because no key is needed."""

from __future__ import annotations

import logging
from asyncio import to_thread
from typing import Protocol

from fastapi.requests import HTTPConnection
from sqlalchemy.exc import SQLAlchemyError

from vistadream.service.access.caller import LOCAL_OWNER, Caller
from vistadream.service.access.key_table import KeyRow
from vistadream.service.access.keys import Keys
from vistadream.service.access.rates import Rates, network_of
from vistadream.service.access.tickets import Tickets
from vistadream.service.problems import ProblemError

_log = logging.getLogger("vistadream.service")
_REALM = 'Bearer realm="vistadream"'


class ChecksTokens(Protocol):
    """Tokens of somebody else, where they are configured."""

    def caller(self, token: str) -> Caller:
        """Whom a token names; ProblemError 401."""


class Entry:
    """Finds out who asks."""

    def __init__(self, keys: Keys, rates: Rates, tokens: ChecksTokens | None = None, exposed: bool = False):
        """`exposed`: others than this machine can connect, so that a key is needed even when there is none."""
        self.keys, self.rates, self.tickets = keys, rates, Tickets()
        self._tokens, self._exposed = tokens, exposed

    async def caller(self, connection: HTTPConnection) -> Caller:
        """Who asks; ProblemError 401 without a key where one is needed, and for one that is not valid."""
        address = address_of(connection)
        try:
            if text := _credential(connection):
                return await (self._by_key(text) if text.startswith("vd_") else self._by_token(text))
            if text := connection.query_params.get("ticket"):
                return await self._by_ticket(text, connection.scope["path"])
        except ProblemError as error:
            if error.status == 401:
                await self.rates.count_failure(address)
                error.headers.setdefault("WWW-Authenticate", f'{_REALM}, error="invalid_token"')
            raise
        if await self.needs_key():
            wanted = "wanted the header Authorization: Bearer KEY, or X-API-Key: vistadream keys add makes a key"
            raise ProblemError(401, f"this service needs an API key; {wanted}", headers={"WWW-Authenticate": _REALM})
        return Caller(LOCAL_OWNER, name=address)

    async def needs_key(self) -> bool:
        """Whether nobody is let in without a key."""
        return self._exposed or self._tokens is not None or await to_thread(self.keys.are_there)

    async def _by_key(self, text: str) -> Caller:
        row = await to_thread(self.keys.known, text)
        if row is None:
            raise ProblemError(401, "this is not a key of this service; wanted one that vistadream keys add printed")
        _refuse_ended(row)
        await to_thread(self._note_use, row)
        return Caller(row.owner, frozenset(row.scopes), f"key:{row.id}", row.id)

    async def _by_token(self, text: str) -> Caller:
        if self._tokens is None:
            raise ProblemError(401, "this is neither a key nor a token of this service; wanted a key: vd_ID_SECRET")
        return self._tokens.caller(text)

    async def _by_ticket(self, text: str, path: str) -> Caller:
        caller = self.tickets.caller(text, path)
        if caller is None:
            raise ProblemError(401, "the ticket does not open this, or not any more; wanted a new one of this job")
        if caller.key_id and (row := await to_thread(self.keys.get, caller.key_id)):
            _refuse_ended(row)
        return caller

    def _note_use(self, row: KeyRow) -> None:
        try:
            self.keys.note_use(row)
        except SQLAlchemyError:
            _log.warning("the last use of the key %s could not be written", row.id)


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; all that come by the socket file are one."""
    return f"address:{network_of(connection.client.host)}" if connection.client else "socket"


def _refuse_ended(row: KeyRow) -> None:
    if row.state != "valid":
        raise ProblemError(401, f"the key {row.id} is {row.state}; wanted a valid one: vistadream keys add")


def _credential(connection: HTTPConnection) -> str:
    """The key or token of a request. A header Authorization of another kind is that of a proxy."""
    kind, _, text = connection.headers.get("authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" else connection.headers.get("x-api-key", "").strip()
