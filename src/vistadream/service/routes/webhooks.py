"""Endpoints of the caller that are sent the ends of jobs, and the messages to them."""

from __future__ import annotations

import time
from asyncio import to_thread
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import ValidationError

from vistadream.service.access.caller import Asking
from vistadream.service.intake.json_text import body_object
from vistadream.service.models import CURSOR, ID
from vistadream.service.outgoing import models
from vistadream.service.outgoing.outbox import message
from vistadream.service.outgoing.tables import DeliveryRow, WebhookRow
from vistadream.service.outgoing.webhooks import MOST, Webhooks
from vistadream.service.problems import ProblemError, documented
from vistadream.service.queue.listed import time_of
from vistadream.service.queue.tables import new_id
from vistadream.service.service import Here

router = APIRouter(tags=["webhooks"], prefix="/webhooks")
_NEW = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": models.NewWebhook.model_json_schema()}},
    }
}
_EXAMPLE = '{"url": "https://gallery.example.org/scenes", "events": ["job.done"]}'
_TEST = "webhook.test"
_LINKS: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The endpoint.",
        "links": {
            name: {"operationId": name, "parameters": {"webhook_id": "$response.body#/id"}}
            for name in ("check_webhook", "rotate_webhook", "list_deliveries", "delete_webhook")
        },
    }
}


WebhookId = Annotated[str, Path(description="As POST /webhooks or predict answered it.", max_length=64, examples=[ID])]


def webhook_of(
    webhook_id: WebhookId,
    service: Here,
    caller: Asking,
) -> WebhookRow:
    """The endpoint that a path names; ProblemError 404 when the caller has none of that id."""
    if (row := service.outgoing.webhooks.get(webhook_id, caller.owner)) is None:
        raise ProblemError(404, f"{webhook_id[:64]!r} is not a webhook of yours; wanted an id of GET /v1/webhooks")
    return row


Named = Annotated[WebhookRow, Depends(webhook_of)]


@router.get("", operation_id="list_webhooks", responses=documented())
def list_webhooks(service: Here, caller: Asking) -> models.Webhooks:
    """The endpoints that are sent the ends of all jobs."""
    return models.Webhooks(
        webhooks=[models.Webhook(**_public(row)) for row in service.outgoing.webhooks.all_of(caller.owner)]
    )


@router.post(
    "",
    operation_id="add_webhook",
    status_code=201,
    responses=_LINKS | documented(403, 409, 413, 422, 504),
    openapi_extra=_NEW,
)
async def add_webhook(request: Request, service: Here, caller: Asking) -> models.WebhookWithSecret:
    """Adds an endpoint. Its secret is in this answer alone."""
    try:
        asked = models.NewWebhook.model_validate(await body_object(request, _EXAMPLE))
    except ValidationError as error:
        first = error.errors()[0]
        raise ProblemError(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    await service.outgoing.http.check(asked.url, service.knobs.outgoing.webhook_s)
    row = await to_thread(_added, asked, service.outgoing.webhooks, caller.owner)
    if row is None:
        raise ProblemError(409, f"there are {MOST} webhooks already; wanted at most that many: delete one")
    return models.WebhookWithSecret(**_public(row), secret=row.secret)


@router.delete("/{webhook_id}", operation_id="delete_webhook", responses=documented(403, 404, 422))
def delete_webhook(webhook_id: WebhookId, service: Here, caller: Asking) -> models.Removed:
    """Removes an endpoint and its messages; those that wait are not sent. Clients of MLSharp name its event."""
    webhooks = service.outgoing.webhooks
    if webhook_id in models.EVENT_OF:
        removed = webhooks.remove_for(caller.owner, models.EVENT_OF[webhook_id])
    else:
        removed = webhooks.remove(webhook_of(webhook_id, service, caller).id)
    return models.Removed(message=f"{removed} {'webhook was' if removed == 1 else 'webhooks were'} removed")


@router.post("/{webhook_id}/test", operation_id="check_webhook", responses=documented(403, 404, 422))
async def check_webhook(row: Named, service: Here) -> models.Tested:
    """Sends a message of type webhook.test now, and says how the endpoint took it. Success enables a disabled one."""
    body = message(_TEST, {}, time.time())
    status, error = await service.outgoing.sender.send(row, new_id(), body)
    if error is None and row.disabled:
        await to_thread(service.outgoing.webhooks.enable, row.id, True)
    return models.Tested(delivered=error is None, status=status, error=error)


@router.post("/{webhook_id}/rotate", operation_id="rotate_webhook", responses=documented(403, 404, 422))
def rotate_webhook(row: Named, service: Here) -> models.WebhookWithSecret:
    """Gives an endpoint a new secret. For a day messages are signed with the one before too."""
    if (new := service.outgoing.webhooks.rotate(row.id)) is None:
        raise ProblemError(404, "the webhook has just been deleted; wanted an id of GET /v1/webhooks")
    return models.WebhookWithSecret(**_public(new), secret=new.secret, old_secret_until=time_of(new.old_until_s))


@router.get("/{webhook_id}/deliveries", operation_id="list_deliveries", responses=documented(404, 422))
def list_deliveries(
    row: Named,
    service: Here,
    cursor: Annotated[str | None, Query(pattern=CURSOR, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> models.Deliveries:
    """The messages to an endpoint, the newest first."""
    rows = service.outgoing.deliveries.page(row.id, before=cursor, limit=limit + 1)
    shown = [_delivery(each) for each in rows[:limit]]
    return models.Deliveries(deliveries=shown, next=rows[limit - 1].id if len(rows) > limit else None)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    operation_id="resend_delivery",
    status_code=202,
    responses=documented(403, 404, 409, 422),
)
def resend_delivery(
    row: Named,
    service: Here,
    delivery_id: Annotated[str, Path(description="As in the list of deliveries.", max_length=64, examples=[ID])],
) -> models.Delivery:
    """Sends a message that was delivered, or failed, once more, with 8 tries."""
    if service.outgoing.deliveries.get(delivery_id, row.id) is None:
        raise ProblemError(
            404, f"{delivery_id[:64]!r} is not a message to this webhook; wanted an id of its deliveries"
        )
    if row.disabled:
        raise ProblemError(409, "the webhook is disabled; wanted one that passes POST .../test, which enables it")
    if (sent := service.outgoing.deliveries.resend(delivery_id)) is None:
        raise ProblemError(409, "the message is still on its way; wanted one that was delivered, or failed")
    return _delivery(sent)


def _added(asked: models.NewWebhook, webhooks: Webhooks, owner: str) -> WebhookRow | None:
    if asked.event_type is None:
        return webhooks.add(owner, asked.url, sorted(set(asked.events)))
    event = models.EVENT_OF[asked.event_type]
    webhooks.remove_for(owner, event)
    return webhooks.add(owner, asked.url, [event])


def _public(row: WebhookRow) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(row).items() if name in models.Webhook.model_fields}
    return shown | {"created": time_of(row.created_s)}


def _delivery(row: DeliveryRow) -> models.Delivery:
    shown = {name: value for name, value in asdict(row).items() if name in models.Delivery.model_fields}
    waits = row.state == "waiting"
    return models.Delivery(
        **shown,
        created=time_of(row.created_s),
        next_try=time_of(row.next_s) if waits else None,
        ended=time_of(row.ended_s),
    )
