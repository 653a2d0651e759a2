"""The API keys of the service, and tickets for pages that cannot send one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from vistadream.core import UserError
from vistadream.service.access.caller import Asking
from vistadream.service.access.key_table import LONGEST_NAME, KeyRow
from vistadream.service.access.keys import DEFAULT_SCOPES
from vistadream.service.access.scopes import Scope
from vistadream.service.access.tickets import LIVES_S
from vistadream.service.problems import ProblemError, documented
from vistadream.service.queue.listed import time_of
from vistadream.service.service import Here, Named

router = APIRouter(tags=["access"])
_ID = "4k2m9p7q1r5t"
_SECRET = {"Cache-Control": "no-store"}
KeyId = Annotated[str, Path(description="As in the list of keys.", max_length=64, examples=[_ID])]


class Key(BaseModel):
    """An API key without its secret, which is not kept."""

    id: str = Field(examples=[_ID])
    name: str = Field(examples=["laptop"])
    owner: str = Field(description="Whose jobs its requests see and make.", examples=["alice"])
    scopes: list[Scope]
    state: str = Field(description="valid, expired or revoked", examples=["valid"])
    created: datetime
    expires: datetime | None = None
    used: datetime | None = Field(None, description="The last use, to about a minute.")


class MadeKey(Key):
    """A key that was just made."""

    key: str = Field(description="The key itself: shown this once.")


class KeyList(BaseModel):
    """All keys, the oldest first."""

    keys: list[Key]


class WantedKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(min_length=1, max_length=LONGEST_NAME, examples=["laptop"])
    owner: str | None = Field(None, min_length=1, max_length=LONGEST_NAME, description="The name, if not given.")
    scopes: list[Scope] = Field(list(DEFAULT_SCOPES), min_length=1, max_length=10)
    expires_days: float | None = Field(None, gt=0, le=36_500, description="null: it does not expire.")


class Ticket(BaseModel):
    """What opens the events and results of one job as `?ticket=`."""

    ticket: str
    expires_in_s: int = Field(examples=[LIVES_S])


@router.get("/keys", operation_id="list_keys", responses=documented())
def list_keys(service: Here) -> KeyList:
    """All API keys, without their secrets."""
    return KeyList(keys=[_public(row) for row in service.entry.keys.listed()])


@router.post("/keys", operation_id="add_key", status_code=201, responses=documented(415, 422))
def add_key(wanted: WantedKey, service: Here, response: Response) -> MadeKey:
    """Makes an API key. The answer has it in `key`, this once: the service keeps only its SHA-256."""
    try:
        new = service.entry.keys.add(wanted.name, wanted.owner, wanted.scopes, wanted.expires_days)
    except UserError as error:
        raise ProblemError(422, str(error)) from error
    response.headers.update(_SECRET)
    return MadeKey(**_public(new.row).model_dump(), key=new.text)


@router.delete("/keys/{key_id}", operation_id="revoke_key", status_code=204, responses=documented(404, 422))
def revoke_key(key_id: KeyId, service: Here) -> Response:
    """Has a key open nothing from the next request on."""
    if not service.entry.keys.revoke(key_id):
        raise ProblemError(404, f"{key_id[:64]!r} is not a key that opens anything; wanted an id of the list of keys")
    return Response(status_code=204)


@router.post("/jobs/{job_id}/ticket", operation_id="make_ticket", status_code=201, responses=documented(404, 422))
def make_ticket(row: Named, service: Here, caller: Asking, response: Response) -> Ticket:
    """A ticket for a page, which cannot send a key with an EventSource, a WebSocket or a link: `?ticket=TICKET`.

    It opens the events and the results of this job for some minutes, for reading, as long as the key is valid.
    """
    response.headers.update(_SECRET)
    return Ticket(ticket=service.entry.tickets.issue(row.id, caller), expires_in_s=LIVES_S)


def _public(row: KeyRow) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        owner=row.owner,
        scopes=list(row.scopes),
        state=row.state,
        created=time_of(row.created_s),
        expires=time_of(row.expires_s),
        used=time_of(row.used_s),
    )
