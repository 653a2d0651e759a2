"""What a job does, while it does it: server-sent events and a WebSocket, both from the lines of events.jsonl."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.sse import EventSourceResponse, ServerSentEvent

from vistadream.service.access.caller import Asking, Caller
from vistadream.service.problems import documented
from vistadream.service.queue.tables import JobRow
from vistadream.service.service import Here, Named, Service
from vistadream.service.tails import End

router = APIRouter(tags=["events"])


@router.get(
    "/jobs/{job_id}/events",
    operation_id="follow_events",
    response_class=EventSourceResponse,
    responses=documented(404, 422),
)
async def follow_events(
    row: Named,
    service: Here,
    last_event_id: Annotated[int, Header(ge=0, description="Goes on after this line.")] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Each line of events.jsonl as an event whose id is its number, then `end` with the final state.

    `bye` in place of `end` says that the service stops; the stream can be asked for again after a while.
    """
    async for each in service.tails.follow(row.id, last_event_id):
        if not isinstance(each, End):
            yield ServerSentEvent(raw_data=each.text, id=str(each.number))
        elif each.state is None:
            yield ServerSentEvent(data={}, event="bye")
        else:
            yield ServerSentEvent(data={"state": each.state}, event="end")


@router.get("/events", operation_id="follow_jobs", response_class=EventSourceResponse, responses=documented(422))
async def follow_jobs(
    service: Here,
    caller: Asking,
    last_event_id: Annotated[int | None, Header(ge=0, description="Goes on after this change; none: from now.")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Each change of each of the caller's jobs as `job`, and the progress of those that run as `progress`.

    A change is sent once, in order, also after Last-Event-ID, for the 7 days in which changes are kept.
    """
    async for each in service.news.follow(caller.owner, last_event_id):
        yield ServerSentEvent(data=each.data, event=each.event, id=None if each.number is None else str(each.number))


@router.websocket("/jobs/{job_id}/ws")
async def follow_by_socket(
    socket: WebSocket, row: Named, service: Here, caller: Asking, after: Annotated[int, Query(ge=0)] = 0
) -> None:
    """The same lines; the last message is {"end": STATE} or {"bye": true}. {"cancel": true} cancels the job,
    where the key has the scope jobs:write."""
    await socket.accept()
    listening = asyncio.create_task(_listen(socket, row, service, caller))
    try:
        async for each in service.tails.follow(row.id, after):
            if listening.done():
                break
            await socket.send_text(_text(each) if isinstance(each, End) else each.text)
    except WebSocketDisconnect:
        return
    finally:
        listening.cancel()
    with suppress(RuntimeError):  # the client may have closed it
        await socket.close(1012 if service.closing.is_set() else 1000)


def _text(end: End) -> str:
    return json.dumps({"bye": True} if end.state is None else {"end": end.state})


async def _listen(socket: WebSocket, row: JobRow, service: Service, caller: Caller) -> None:
    """Does what the client asks for until it leaves."""
    with suppress(WebSocketDisconnect):
        while True:
            message = await socket.receive_text()
            with suppress(ValueError):
                if json.loads(message) == {"cancel": True} and caller.may("jobs:write"):
                    await asyncio.to_thread(service.store.ask_cancel, row.id)
