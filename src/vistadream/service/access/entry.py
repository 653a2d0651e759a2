"""Who a request is from: by an API key, a token, a ticket or a session, or because no key is needed."""

from __future__ import annotations

import logging
import time
from asyncio import to_thread
from collections.abc import Awaitable, Hashable
from typing import Protocol, TypeVar

from fastapi.requests import HTTPConnection
from sqlalchemy.exc import SQLAlchemyError

from vistadream.service.access.caller import LOCAL_OWNER, Caller
from vistadream.service.access.credentials import address_of, credential, session_text
from vistadream.service.access.key_table import KeyRow
from vistadream.service.access.keys import Keys
from vistadream.service.access.local_key import LocalKey
from vistadream.service.access.rates import Rates
from vistadream.service.access.scopes import READING
from vistadream.service.access.sessions import Sessions
from vistadream.service.access.tickets import Tickets
from vistadream.service.brief import Brief
from vistadream.service.problems import ProblemError

_log = logging.getLogger("vistadream.service")
_REALM = 'Bearer realm="vistadream"'
_KEPT_S = 1.0
"""How long the row of a key counts for streams that are open."""
T = TypeVar("T")


class ChecksTokens(Protocol):
    """Tokens of somebody else, where they are configured."""

    def caller(self, token: str) -> Caller:
        """Whom a token names; ProblemError 401."""


class Entry:
    """Finds out who asks."""

    def __init__(
        self,
        keys: Keys,
        rates: Rates,
        sessions: Sessions,
        tokens: ChecksTokens | None = None,
        exposed: bool = False,
        local: LocalKey | None = None,
        tickets: Tickets | None = None,
    ):
        """`exposed`: others than this machine can connect, so that a key is needed even when there is none.

        `tickets` of several processes have one secret; None: those of this process alone.
        """
        self.keys, self.rates, self.sessions, self.tickets = keys, rates, sessions, tickets or Tickets()
        self._tokens, self._exposed, self._local = tokens, exposed, local
        self._rows_lately = Brief(keys.get, _KEPT_S)

    async def caller(self, connection: HTTPConnection, only_reads: bool = False) -> Caller:
        """Who asks; ProblemError 401 without a key where one is needed, and for one that is not valid.

        `only_reads`: whether a key is needed may be what was true a second ago.
        """
        if text := credential(connection):
            return await self.by_text(text, address_of(connection))
        if text := connection.query_params.get("ticket"):
            return await self._counted(self._by_ticket(text, connection.scope["path"]), address_of(connection))
        if found := await self._by_session(connection):
            return found
        if await self.needs_key(only_reads):
            wanted = "wanted the header Authorization: Bearer KEY, or X-API-Key: vistadream keys add makes a key"
            raise ProblemError(401, f"this service needs an API key; {wanted}", headers={"WWW-Authenticate": _REALM})
        return Caller(LOCAL_OWNER, name=address_of(connection))

    async def by_text(self, text: str, address: str) -> Caller:
        """Whom a key or token names; ProblemError 401, which counts for the address, for one that is not valid."""
        return await self._counted(self._by_key(text) if text.startswith("vd_") else self._by_token(text), address)

    async def _counted(self, found: Awaitable[Caller], address: str) -> Caller:
        try:
            return await found
        except ProblemError as error:
            if error.status == 401:
                await self.rates.count_failure(address)
                error.headers.setdefault("WWW-Authenticate", f'{_REALM}, error="invalid_token"')
            raise

    async def needs_key(self, lately: bool = False) -> bool:
        """Whether nobody is let in without a key; `lately`: as it was at most a second ago."""
        if self._exposed or self._tokens is not None or self._local is not None:
            return True
        return await (_lately(self.keys.are_there_lately) if lately else to_thread(self.keys.are_there))

    async def has_one_user(self) -> bool:
        """Whether all that are let in are one person."""
        if self._exposed and self._local is None:
            return False
        return self._tokens is None and not await _lately(self.keys.are_there_lately)

    async def still_lets_in(self, caller: Caller) -> bool:
        """Whether somebody who was let in before would be again, as it was at most a second ago."""
        if self._is_local(caller):
            return True
        if caller.key_id is not None:
            row = await _lately(self._rows_lately, caller.key_id)
            return row is not None and row.state == "valid"
        if caller.ends_s is not None:
            return time.time() < caller.ends_s
        return not await self.needs_key(lately=True)

    async def _by_session(self, connection: HTTPConnection) -> Caller | None:
        """Whose session a cookie is; ProblemError 403 for a change that no page of the service asks for."""
        text = session_text(connection)
        caller = await to_thread(self._known_session, text) if text else None
        if caller is None:
            return None
        if connection.scope.get("method", "GET") not in READING and "origin" not in connection.headers:
            wanted = "wanted a page of this service (Origin), or a key in place of the cookie"
            raise ProblemError(403, f"a request with a cookie does not say which page it comes from; {wanted}")
        return caller

    def _known_session(self, text: str) -> Caller | None:
        """Whose session a text is, if its key or token still lets in."""
        caller = self.sessions.caller(text)
        if caller is None or self._is_local(caller):
            return caller
        row = self.keys.get(caller.key_id) if caller.key_id else None
        valid = row.state == "valid" if row else caller.ends_s is not None and time.time() < caller.ends_s
        return caller if valid else None

    def _is_local(self, caller: Caller) -> bool:
        return self._local is not None and caller.key_id == self._local.id

    async def _by_key(self, text: str) -> Caller:
        if self._local is not None and self._local.matches(text):
            return Caller(LOCAL_OWNER, name="key:app", key_id=self._local.id)
        row = await to_thread(self._used, text)
        if row is None:
            raise ProblemError(401, "this is not a key of this service; wanted one that vistadream keys add printed")
        _refuse_ended(row)
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

    def _used(self, text: str) -> KeyRow | None:
        """The key of a text, whose use is noted if it is valid."""
        row = self.keys.known(text)
        try:
            if row and row.state == "valid":
                self.keys.note_use(row)
        except SQLAlchemyError:
            _log.warning("the last use of the key %s could not be written", row.id)
        return row


async def _lately(brief: Brief[T], *question: Hashable) -> T:
    """An answer that is kept, without a thread, or a new one."""
    kept = brief.kept(*question)
    return kept.value if kept else await to_thread(brief, *question)


def _refuse_ended(row: KeyRow) -> None:
    if row.state != "valid":
        raise ProblemError(401, f"the key {row.id} is {row.state}; wanted a valid one: vistadream keys add")
