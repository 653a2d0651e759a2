"""Secrets and signatures as Standard Webhooks says (standardwebhooks.com)."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime

from standardwebhooks import Webhook

from vistadream.service.outgoing.tables import WebhookRow

_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret for one endpoint."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def headers_of(webhook: WebhookRow, message_id: str, body: str, now_s: float) -> dict[str, str]:
    """The headers of a message: a signature by the secret, and one by the secret before while that is valid."""
    now = datetime.fromtimestamp(int(now_s), UTC)
    valid = [webhook.secret]
    if webhook.old_secret and now_s < webhook.old_until_s:
        valid.append(webhook.old_secret)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now_s)),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, now, body) for secret in valid),
    }
