"""Every route of the application has a line in the one table of scopes."""

import pytest

from vistadream.service.access.scopes import need_of


def routes_of(app):
    """(method, path) of every route, those of included routers too; a WebSocket begins as GET."""
    found = []
    for each in app.routes:
        inner = [(each, "")]
        if hasattr(each, "original_router"):
            inner = [(route, each.include_context.prefix) for route in each.original_router.routes]
        for route, prefix in inner:
            found += [(method, prefix + route.path) for method in getattr(route, "methods", None) or ["GET"]]
    return found


def test_every_route_has_a_scope_or_is_one_of_those_that_say_little(house):
    routes = routes_of(house().app)
    assert len(routes) >= 20
    assert [route for route in routes if need_of(*route) is None] == []
    open_ones = {path for method, path in routes if need_of(method, path).scope is None}
    page = {"/", "/page/{name:path}", "/lib/{name:path}", "/v1/page", "/v1/session"}
    assert open_ones == {"/v1/health", "/v1/ready", "/openapi.json"} | page


def test_the_routes_that_the_walk_finds_are_those_of_the_document(house):
    app = house().app
    documented = {(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods}
    assert documented <= {(method, path.replace("{name:path}", "{name}")) for method, path in routes_of(app)}


@pytest.mark.parametrize(
    ("method", "path", "scope", "kind"),
    [
        ("GET", "/v1/jobs/1", "jobs:read", "read"),
        ("HEAD", "/v1/jobs/1", "jobs:read", "read"),
        ("DELETE", "/v1/jobs/1", "jobs:write", "submit"),
        ("POST", "/v1/predict", "jobs:write", "submit"),
        ("POST", "/v1/jobs/1/ticket", "jobs:read", "read"),
        ("GET", "/v1/keys", "admin", "admin"),
        ("DELETE", "/v1/keys/1", "admin", "admin"),
        ("PATCH", "/v1/jobs", "jobs:write", "submit"),
        ("GET", "/metrics", "metrics", "read"),
        ("GET", "/v1/ready", None, "read"),
    ],
)
def test_reading_and_changing_have_scopes_of_their_own(method, path, scope, kind):
    assert need_of(method, path) == (scope, kind)


@pytest.mark.parametrize(
    "path", ["", "/x", "/v1", "/v1/", "/v1//keys", "//v1/ready", "/v2/jobs", "/v1/job", "/V1/jobs"]
)
def test_what_has_no_line_has_no_route(path, house):
    assert need_of("GET", path) is None
    if path.startswith("/"):
        assert house().ask("GET", f"http://127.0.0.1{path}").status_code == 404


def test_a_route_that_was_forgotten_in_the_table_is_not_reached(house):
    made = house()
    made.app.add_api_route("/v1/forgotten", lambda: {"secret": 1})
    assert made.ask("GET", "/v1/forgotten").status_code == 404


@pytest.mark.parametrize("path", ["/v1/ready/../jobs", "/v1/ready/%2e%2e/jobs", "/v1/ready%2f..%2fjobs", "/v1/ready/x"])
def test_an_open_path_leads_nowhere_else(path, house):
    made = house()
    made.keys.add("a")
    assert made.ask("GET", path).status_code in (401, 404)
