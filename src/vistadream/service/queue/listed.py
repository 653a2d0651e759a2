"""A job as the service shows it to its owner, in lists and in webhooks, made from its row alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from vistadream.service.queue.tables import JobRow

_STATUS = {"queued": "processing", "running": "processing", "done": "success", "failed": "error"}


def listed(row: JobRow) -> dict[str, Any]:
    """The fields of `models.ListedJob`, as values of JSON."""
    took_s = row.finished_s - row.started_s if row.finished_s and row.started_s else None
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "input": row.input_name or None,
        "words": list(row.words),
        "priority": row.priority,
        "degrade": row.degrade,
        "attempts": row.attempt,
        "error": row.error,
        "created": time_text(row.created_s),
        "started": time_text(row.started_s),
        "finished": time_text(row.finished_s),
        "cached_from": row.cached_from,
        "status": _STATUS.get(row.state, row.state),
        "task_id": row.id,
        "processing_time": took_s,
        "url": f"/v1/jobs/{row.id}/results/gaussians.ply" if row.state == "done" else None,
    }


def time_of(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def time_text(seconds: float | None) -> str | None:
    """Seconds since 1970 as RFC 3339 writes a time."""
    return None if seconds is None else time_of(seconds).isoformat().replace("+00:00", "Z")
