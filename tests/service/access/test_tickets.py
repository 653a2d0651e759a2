"""A ticket opens the events and results of one job, for reading, for some minutes, while its key is valid."""

import pytest

from vistadream.service.access import tickets
from vistadream.service.access.caller import Caller
from vistadream.service.access.tickets import LIVES_S, Tickets


def test_a_ticket_opens_one_job_for_reading(house):
    made = house()
    key = made.keys.add("a")
    job, other = made.job("a"), made.job("a")
    answer = made.ask("POST", f"/v1/jobs/{job}/ticket", key.text)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    ticket = {"ticket": answer.json()["ticket"]}
    assert made.ask("GET", f"/v1/jobs/{job}/results", params=ticket).status_code == 200
    assert made.ask("GET", f"/v1/jobs/{job}/results/none.ply", params=ticket).status_code == 404
    for method, path in (("GET", f"/v1/jobs/{other}/results"), ("GET", f"/v1/jobs/{job}"), ("GET", "/v1/jobs"),
                         ("POST", f"/v1/jobs/{job}/cancel"), ("POST", f"/v1/jobs/{job}/ticket"),
                         ("GET", f"/v1/jobs/{job}/results/../../{other}/results"), ("GET", "/v1/keys")):  # fmt: skip
        assert made.ask(method, path, params=ticket).status_code == 401, path
    assert made.ask("POST", f"/v1/jobs/{job}/results", params=ticket).status_code == 403
    made.keys.revoke(key.row.id)
    made.keys.add("b")
    assert made.ask("GET", f"/v1/jobs/{job}/results", params=ticket).status_code == 401


@pytest.mark.parametrize("text", ["", "x", ".", "x.y", "é", "x" * 9000])
def test_what_is_no_ticket_opens_nothing(text, house):
    made = house()
    made.keys.add("a")
    answer = made.ask("GET", f"/v1/jobs/{made.job('a')}/results", params={"ticket": text})
    assert answer.status_code == 401


def test_a_ticket_ends(monkeypatch):
    now_s = [0.0]
    monkeypatch.setattr(tickets.time, "time", lambda: now_s[0])
    mine = Tickets()
    text = mine.issue("j", Caller("a", name="key:1", key_id="1"))
    now_s[0] = LIVES_S - 1
    assert mine.caller(text, "/v1/jobs/j/events") == Caller("a", frozenset({"jobs:read"}), "key:1", "1")
    assert mine.caller(text, "/v1/jobs/j/log") is None
    assert mine.caller(text, "/v1/jobs/J/events") is None
    now_s[0] = LIVES_S
    assert mine.caller(text, "/v1/jobs/j/events") is None


def test_processes_with_one_secret_know_the_tickets_of_each_other():
    first, second, other = Tickets(b"s" * 32), Tickets(b"s" * 32), Tickets()
    text = first.issue("j", Caller("a"))
    assert second.caller(text, "/v1/jobs/j/ws").owner == "a"
    assert other.caller(text, "/v1/jobs/j/ws") is None


def test_a_changed_ticket_opens_nothing():
    mine = Tickets()
    text = mine.issue("j", Caller("a"))
    changed = [text[:n] + ("A" if letter != "A" else "B") + text[n + 1 :] for n, letter in enumerate(text)]
    assert not [each for each in [*changed, text[:-1], text + "0"] if mine.caller(each, "/v1/jobs/j/events")]
