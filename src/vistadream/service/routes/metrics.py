"""GET /metrics: figures for Prometheus, outside of /v1, where it looks for them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from vistadream.service.problems import documented
from vistadream.service.service import Here

router = APIRouter(tags=["service"])
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/metrics", operation_id="get_metrics", response_class=Response, responses=_TEXT | documented())
def get_metrics(service: Here) -> Response:
    """Figures in the text format of Prometheus."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
