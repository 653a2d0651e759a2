"""Who is let in: nobody without a valid key as soon as there is one, and everybody only to his own jobs."""

import asyncio
import time

import pytest
from sqlalchemy import event, update

from vistadream.service.access.caller import Caller
from vistadream.service.access.key_table import table
from vistadream.service.access.keys import Keys

NOBODYS = "01m8ek6dsn41xvs47ccqzntxje"


def test_without_a_key_in_the_store_whoever_can_connect_is_local(house):
    made = house()
    job = made.job("local")
    assert [each["id"] for each in made.ask("GET", "/v1/jobs").json()["jobs"]] == [job]
    assert made.ask("GET", "/v1/keys").json() == {"keys": []}
    assert made.ask("DELETE", f"/v1/jobs/{job}").status_code == 204


def test_from_the_first_key_on_a_request_needs_one_by_either_header(house):
    made = house()
    key = made.keys.add("a").text
    refused = made.ask("GET", "/v1/jobs")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="vistadream"')
    assert refused.headers["content-type"] == "application/problem+json"
    for headers in ({"Authorization": f"Bearer {key}"}, {"authorization": f"bearer  {key}"}, {"X-API-Key": key}):
        assert made.ask("GET", "/v1/jobs", headers=headers).status_code == 200
    both = {"Authorization": "Basic dXNlcjpwYXNz", "X-API-Key": key}
    assert made.ask("GET", "/v1/jobs", headers=both).status_code == 200, "Basic is that of a proxy"
    for path in ("/v1/ready", "/openapi.json"):
        assert made.ask("GET", path).status_code == 200


def test_the_first_key_of_another_process_is_seen_at_once_by_what_changes_something_and_soon_by_what_reads(house):
    made = house()
    job, others = made.job("local"), Keys(made.service.store.database)
    assert made.ask("GET", f"/v1/jobs/{job}").status_code == 200
    others.add("a")
    for method, path in (("DELETE", f"/v1/jobs/{job}"), ("POST", f"/v1/jobs/{job}/cancel"), ("POST", "/v1/predict")):
        assert made.ask(method, path).status_code == 401
    assert made.ask("POST", f"/v1/jobs/{job}/ticket").status_code == 401, "a ticket is for reading later"
    assert made.keys.are_there_lately.keep_s <= 1.0
    made.keys.are_there_lately.forget()  # as after that time
    assert made.ask("GET", f"/v1/jobs/{job}").status_code == 401


def test_keys_of_its_own_are_seen_at_once_by_all(house):
    made = house()
    for _ in range(2):
        assert made.ask("GET", "/v1/jobs").status_code == 200
        key = made.keys.add("a")
        assert made.ask("GET", "/v1/jobs").status_code == 401
        made.keys.revoke(key.row.id)


def test_many_readers_without_a_key_ask_once_whether_there_is_one(house):
    made, asked = house(), []

    def note(connection, cursor, statement, *_):
        asked.append(statement)

    event.listen(made.service.store.database.engine, "before_cursor_execute", note)
    for _ in range(5):
        made.ask("GET", f"/v1/jobs/{NOBODYS}")
    assert len([statement for statement in asked if "api_keys" in statement]) == 1


def test_an_exposed_service_lets_nobody_in_without_a_key_although_there_is_none(house):
    assert house(exposed=True).ask("GET", "/v1/jobs").status_code == 401


@pytest.mark.parametrize(
    "text",
    ["vd_", "vd_x_y", f"vd_{'a' * 12}_{'b' * 43}", "x" * 5000, "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\xe9", "vd_\0"],
)
@pytest.mark.parametrize("with_a_key", [False, True])
def test_what_is_no_key_is_refused_also_where_none_is_needed(text, with_a_key, house):
    made = house()
    if with_a_key:
        made.keys.add("a")
    for headers in ({"Authorization": f"Bearer {text}".encode("latin-1")}, {"X-API-Key": text.encode("latin-1")}):
        answer = made.ask("GET", "/v1/jobs", headers=headers)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert text not in answer.text


def test_a_key_that_ended_is_refused_at_once(house):
    made = house()
    short, gone = made.keys.add("a"), made.keys.add("b")
    for each in (short, gone):
        assert made.ask("GET", "/v1/jobs", each.text).status_code == 200
    made.keys.revoke(gone.row.id)
    with made.service.store.database.writing() as connection:
        connection.execute(update(table).where(table.c.id == short.row.id).values(expires_s=1.0))
    assert made.ask("GET", "/v1/jobs", gone.text).json()["detail"].startswith(f"the key {gone.row.id} is revoked")
    assert made.ask("GET", "/v1/jobs", short.text).json()["detail"].startswith(f"the key {short.row.id} is expired")


@pytest.mark.parametrize("how", ["revoked", "expired", "removed"])
def test_who_was_let_in_by_a_key_is_not_any_more_when_it_ends(how, house):
    made = house()
    key, entry = made.keys.add("a").row, made.service.entry
    caller = Caller("a", key_id=key.id)
    assert asyncio.run(entry.still_lets_in(caller))
    if how == "revoked":
        made.keys.revoke(key.id)
    with made.service.store.database.writing() as connection:
        mine = table.c.id == key.id
        if how == "expired":
            connection.execute(update(table).where(mine).values(expires_s=1.0))
        if how == "removed":
            connection.execute(table.delete().where(mine))
    entry._rows_lately.forget()  # as after a second
    assert not asyncio.run(entry.still_lets_in(caller))


def test_who_was_let_in_without_a_key_or_by_a_token_is_not_any_more(house):
    made = house()
    local, entry = Caller("local"), made.service.entry
    assert asyncio.run(entry.still_lets_in(local))
    made.keys.add("a")
    assert not asyncio.run(entry.still_lets_in(local)), "there is a first key"
    assert asyncio.run(entry.still_lets_in(Caller("b", ends_s=time.time() + 60)))
    assert not asyncio.run(entry.still_lets_in(Caller("b", ends_s=time.time() - 1)))


def test_figures_are_about_the_own_jobs_and_for_admins_about_all(house):
    made = house()
    for owner, state in (("a", "queued"), ("a", "done"), ("b", "done"), ("b", "done")):
        made.job(owner, state=state, finished_s=time.time())
    mine, admin = made.keys.add("a").text, made.keys.add("root", scopes=["jobs:read", "admin"]).text
    made.service.clerk.gpu = no_gpu
    shown = [made.ask("GET", "/v1/stats", key).json() for key in (mine, admin)]
    assert [each["jobs"] for each in shown] == [{"queued": 1, "done": 1}, {"queued": 1, "done": 3}]
    assert [each["jobs_per_hour"] for each in shown] == [1, 3]
    assert [each["own"]["queued_jobs"] for each in shown] == [1, 0]
    assert shown[0]["workers"] is None


async def no_gpu():
    return {"gpu_available": False}


def test_a_use_is_noted(house):
    made = house()
    key = made.keys.add("a")
    made.ask("GET", "/v1/jobs", key.text)
    assert made.keys.get(key.row.id).used_s is not None


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["jobs:read"], "GET", "/v1/jobs", 200),
        (["jobs:read"], "POST", f"/v1/jobs/{NOBODYS}/cancel", 403),
        (["jobs:read"], "POST", f"/v1/jobs/{NOBODYS}/ticket", 404),
        (["jobs:write"], "POST", f"/v1/jobs/{NOBODYS}/cancel", 404),
        (["jobs:write"], "GET", "/v1/jobs", 403),
        (["metrics"], "GET", "/v1/jobs", 403),
        (["jobs:read", "jobs:write", "metrics"], "GET", "/v1/keys", 403),
        (["admin"], "GET", "/v1/keys", 200),
        (["admin"], "GET", "/v1/jobs", 403),
        (["jobs:write"], "POST", "/v1/keys", 403),
    ],
)
def test_a_key_may_what_its_scopes_say(scopes, method, path, status, house):
    made = house()
    answer = made.ask(method, path, made.keys.add("a", scopes=scopes).text)
    assert answer.status_code == status, answer.text
    if status == 403:
        assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_a_job_of_somebody_else_is_not_there(house):
    made = house()
    mine, yours = made.keys.add("a", "alice").text, made.keys.add("b", "bob").text
    job = made.job("alice")
    assert made.ask("GET", f"/v1/jobs/{job}", mine).status_code == 200
    assert made.ask("GET", f"/v1/jobs/{job}", made.keys.add("c", "alice").text).status_code == 200, (
        "one owner, two keys"
    )
    asked = "GET|POST /cancel|POST /resume|DELETE|GET /log|GET /results|GET /results/x|GET /events|POST /ticket"
    for method, _, path in (each.partition(" ") for each in asked.split("|")):
        theirs, nobodys = (made.ask(method, f"/v1/jobs/{id}{path}", yours) for id in (job, NOBODYS))
        assert theirs.status_code == nobodys.status_code == 404, (method, path)
        assert theirs.json()["detail"].replace(job, NOBODYS) == nobodys.json()["detail"]
    assert made.ask("GET", "/v1/jobs", yours).json()["jobs"] == []
    assert made.ask("GET", "/v1/jobs", yours, params={"q": job}).json()["jobs"] == []
    assert made.service.store.get(job).state == "queued"


def test_keys_are_made_listed_and_revoked_over_http_and_shown_once(house):
    made = house()
    admin = made.keys.add("root", scopes=["admin"]).text
    answer = made.ask("POST", "/v1/keys", admin, json={"name": "phone", "owner": "alice", "expires_days": 3})
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    key = answer.json()
    assert (key["scopes"], key["state"], key["used"]) == (["jobs:read", "jobs:write"], "valid", None)
    assert made.ask("GET", "/v1/jobs", key["key"]).status_code == 200
    listed = made.ask("GET", "/v1/keys", admin)
    assert [each["name"] for each in listed.json()["keys"]] == ["root", "phone"]
    assert key["key"].split("_", 2)[2] not in listed.text
    assert made.ask("DELETE", f"/v1/keys/{key['id']}", admin).status_code == 204
    assert made.ask("GET", "/v1/jobs", key["key"]).status_code == 401
    assert made.ask("DELETE", f"/v1/keys/{key['id']}", admin).status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [{}, {"name": ""}, {"name": 3}, {"name": "a", "scopes": ["root"]}, {"name": "a", "scopes": []}, {"name": "a\n"},
     {"name": "a", "expires_days": 0}, {"name": "a", "digest": "x"}, {"name": "a", "expires_days": "1"}],
)  # fmt: skip
def test_a_key_that_cannot_be_is_not_made(wanted, house):
    made = house()
    answer = made.ask("POST", "/v1/keys", json=wanted)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert made.keys.listed() == []
