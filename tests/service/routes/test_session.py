"""Sessions: a cookie in place of a key, for as long as the key is valid, and never from another page."""

import re
import time

import jwt
import pytest

from vistadream.service.access.keys import DEFAULT_SCOPES

OWN = {"Origin": "http://127.0.0.1"}
SECRET = "a secret of 32 bytes or even more"


def signed_in(made, key: str, **how) -> dict[str, str]:
    """The cookies of a new session."""
    answer = made.ask("POST", "/v1/session", json={"key": key}, headers=OWN, **how)
    assert answer.status_code == 200, answer.text
    return dict(answer.cookies)


@pytest.fixture
def alice(house):
    """An application with a key of Alice, and the key."""
    made = house()
    return made, made.keys.add("alice")


def test_a_key_becomes_a_cookie_that_no_script_and_no_other_site_has(alice):
    made, key = alice
    answer = made.ask("POST", "/v1/session", json={"key": key.text}, headers=OWN)
    assert answer.json() == {"owner": "alice", "scopes": list(DEFAULT_SCOPES), "ends": None}
    cookie = answer.headers["set-cookie"]
    assert re.match(r"vistadream_session=[\w-]{43}; HttpOnly; Max-Age=2592000; Path=/; SameSite=strict", cookie)
    assert key.text.split("_")[-1] not in cookie
    again = made.ask("POST", "https://127.0.0.1:8443/v1/session", json={"key": key.text})
    assert "Secure" in again.headers["set-cookie"]
    assert "vistadream_session_8443=" in again.headers["set-cookie"], "browsers do not tell ports apart"


def test_the_cookie_lets_in_to_what_the_key_lets_in_to(alice):
    made, key = alice
    mine, other = made.job("alice"), made.job("bob")
    cookies = signed_in(made, key.text)
    for path in ("/v1/jobs", f"/v1/jobs/{mine}", f"/v1/jobs/{mine}/results", "/v1/batches"):
        assert made.ask("GET", path, cookies=cookies).status_code == 200, path
    assert made.ask("GET", f"/v1/jobs/{other}", cookies=cookies).status_code == 404
    assert made.ask("GET", "/v1/keys", cookies=cookies).status_code == 403
    assert made.ask("POST", f"/v1/jobs/{mine}/cancel", cookies=cookies, headers=OWN).status_code == 202


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_change_by_cookie_needs_the_origin_of_the_service(alice, headers):
    made, key = alice
    mine = made.job("alice")
    cookies = signed_in(made, key.text)
    assert made.ask("POST", f"/v1/jobs/{mine}/cancel", cookies=cookies, headers=headers).status_code == 403
    assert made.service.store.get(mine).state == "queued"
    assert made.ask("POST", f"/v1/jobs/{mine}/cancel", key=key.text).status_code == 202, "a key needs none"


def test_signing_out_ends_the_session(alice):
    made, key = alice
    cookies = signed_in(made, key.text)
    answer = made.ask("DELETE", "/v1/session", cookies=cookies, headers=OWN)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert made.ask("GET", "/v1/jobs", cookies=cookies).status_code == 401
    assert made.ask("DELETE", "/v1/session").status_code == 204, "without a session there is nothing to end"


def test_a_session_ends_with_its_key(alice):
    made, key = alice
    made.keys.add("another")  # without any key nobody would be refused
    cookies = signed_in(made, key.text)
    made.keys.revoke(key.row.id)
    assert made.ask("GET", "/v1/jobs", cookies=cookies).status_code == 401


def test_a_session_by_a_token_ends_with_it(house, tmp_path):
    (tmp_path / "key").write_text(SECRET)
    made = house(f"jwt.key_file={tmp_path / 'key'}")
    claims = {"exp": time.time() + 100, "sub": "carol", "aud": "vistadream", "scope": "jobs:read"}
    cookies = signed_in(made, jwt.encode(claims, SECRET))
    assert made.ask("GET", "/v1/jobs", cookies=cookies).status_code == 200
    with made.service.store.database.writing() as connection:
        connection.exec_driver_sql("update sessions set token_ends_s = 1")
    assert made.ask("GET", "/v1/jobs", cookies=cookies).status_code == 401


def test_a_session_goes_on_after_a_restart(house):
    made = house()
    cookies = signed_in(made, made.keys.add("alice").text)
    assert house().ask("GET", "/v1/jobs", cookies=cookies).status_code == 200


WRONG = [({"key": "vd_wrong"}, 401), ({"key": "a.b.c"}, 401), ({"key": ""}, 401)]
ODD = [
    ({}, 422),
    ({"key": 1}, 422),
    ({"key": "x" * 9000}, 422),
    ({"key": "x", "y": 1}, 422),
    ({"key": "x" * 20000}, 413),
]


@pytest.mark.parametrize(("body", "status"), [*WRONG, *ODD])
def test_a_bad_sign_in_is_a_problem_and_gives_no_cookie(alice, body, status):
    answer = alice[0].ask("POST", "/v1/session", json=body, headers=OWN)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


def test_wrong_keys_are_counted(house):
    made = house("limits.failures_per_minute=2")
    made.keys.add("alice")
    statuses = [made.ask("POST", "/v1/session", json={"key": "vd_x"}, headers=OWN).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]
