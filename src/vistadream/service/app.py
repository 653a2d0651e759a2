"""The application: routes, problems, the guard, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from vistadream.service.access.documented import document_access
from vistadream.service.access.gate import Gate
from vistadream.service.access.guard import Guard
from vistadream.service.problems import Problem, answer_with_problems
from vistadream.service.routes import (
    about,
    archive,
    batches,
    cache,
    camera,
    events,
    gallery,
    jobs,
    keys,
    metrics,
    page,
    predict,
    results,
    session,
    webhooks,
)
from vistadream.service.service import Service
from vistadream.service.watch.requests import Watched
from vistadream.version import __version__

_ROUTERS = (
    predict.router,
    jobs.router,
    results.router,
    archive.router,
    camera.router,
    events.router,
    gallery.router,
    batches.router,
    cache.router,
    webhooks.router,
    keys.router,
    about.router,
    page.router,
    session.router,
)
_WITHOUT_PREFIX = (metrics.router, page.files_router)
_PREFIX = "/v1"
_ABOUT = "Photographs become scenes of 3D Gaussians. Jobs wait in a queue on disk and survive a kill."


def make_app(service: Service) -> FastAPI:
    """The ASGI application of a service. Its page loads nothing from elsewhere."""
    app = FastAPI(
        title="VistaDream",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    answer_with_problems(app, (*_ROUTERS, *_WITHOUT_PREFIX), _PREFIX)
    for router in _ROUTERS:
        app.include_router(router, prefix=_PREFIX)
    for router in _WITHOUT_PREFIX:
        app.include_router(router)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # the way that FastAPI's documentation shows
    app.add_middleware(Gate, entry=service.entry)
    app.add_middleware(
        Guard,
        allow_hosts=[*service.knobs.allow_hosts, service.knobs.host],
        allow_origins=service.knobs.allow_origins,
        any_address=service.knobs.is_exposed,
    )
    app.add_middleware(Watched, metrics=service.metrics, prefix=_PREFIX)
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schema that all problems have."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        document_access(document)
        app.openapi_schema = document
    return app.openapi_schema
