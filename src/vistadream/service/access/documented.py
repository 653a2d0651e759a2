"""What the OpenAPI document says about keys, for every operation from the one table of scopes."""

from __future__ import annotations

from typing import Any

from vistadream.service.access.scopes import need_of
from vistadream.service.problems import documented

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key vd_ID_SECRET, or a token (JWT)."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key vd_ID_SECRET."},
}


def document_access(document: dict[str, Any]) -> None:
    """Adds the schemes, and to each operation its scope and what it answers without a key, or to too many requests.

    `{}` among the schemes says that a service without any key asks for none.
    """
    document["components"]["securitySchemes"] = _SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            need = need_of(method.upper(), path)
            if need is None:
                continue
            operation["responses"] = _with(operation["responses"], 429)
            if need.scope is not None:
                operation["responses"] = _with(operation["responses"], 401, 403)
                operation["security"] = [{}, *({scheme: [need.scope]} for scheme in _SCHEMES)]


def _with(responses: dict[str, Any], *statuses: int) -> dict[str, Any]:
    added = {str(status): answer for status, answer in documented(*statuses).items() if status in statuses}
    return dict(sorted((added | responses).items()))
