"""The task that sends what is due, to a server on loopback."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from vistadream.service.outgoing import deliveries as deliveries_module
from vistadream.service.outgoing import sender as module
from vistadream.service.outgoing.deliveries import Deliveries
from vistadream.service.outgoing.safe_http import SafeHttp
from vistadream.service.outgoing.sender import Sender
from vistadream.service.outgoing.tables import EVENTS
from vistadream.service.outgoing.webhooks import Webhooks
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'queue.db'}")


@pytest.fixture
def webhooks(store: Store) -> Webhooks:
    return Webhooks(store.database)


@pytest.fixture
def deliveries(store: Store) -> Deliveries:
    return Deliveries(store.database)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_S", 0.02)


@pytest.fixture
def sent_until(webhooks, deliveries, receiver, outgoing_knobs) -> Callable[..., None]:
    """Runs the sender until something is the case."""
    http = SafeHttp(outgoing_knobs(allow_hosts=[receiver.host]))

    def run(ready: Callable[[], bool], within_s: float = 5) -> None:
        async def both() -> None:
            task = asyncio.create_task(Sender(webhooks, deliveries, http, within_s, 1000).run())
            async with asyncio.timeout(20):
                while not ready():
                    await asyncio.sleep(0.02)
            task.cancel()

        asyncio.run(both())

    return run


def end_job(store: Store, owner: str = "me") -> JobRow:
    return store.ask_cancel(store.add(JobRow(new_id(), owner=owner)).id)


def test_a_receiver_can_verify_what_it_is_sent(store, webhooks, deliveries, receiver, sent_until):
    hook = webhooks.add("me", receiver.url("/scenes?key=1"), EVENTS)
    webhooks.rotate(hook.id)
    job = end_job(store)
    sent_until(lambda: deliveries.counts() == {"delivered": 1})
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/scenes?key=1")
    assert request.headers["content-type"] == "application/json"
    for secret in (hook.secret, webhooks.get(hook.id, "me").secret):
        found = Webhook(secret).verify(request.body, request.headers)
        assert (found["type"], found["data"]["id"]) == ("job.cancelled", job.id)
    assert request.headers["webhook-id"] == deliveries.page(hook.id)[0].id


def test_a_message_that_failed_is_sent_again_with_its_id(
    store, webhooks, deliveries, receiver, sent_until, monkeypatch
):
    monkeypatch.setattr(deliveries_module, "WAITS_S", (0.01,) * 7)
    hook = webhooks.add("me", receiver.url(), EVENTS)
    end_job(store)
    receiver.answers += [(500, {}, b"x" * 100_000), (302, {"Location": "/b"}, b"")]
    sent_until(lambda: deliveries.counts() == {"delivered": 1})
    assert len({(each.headers["webhook-id"], each.body) for each in receiver.requests}) == 1
    assert [each.path for each in receiver.requests] == ["/", "/", "/"]
    for each in receiver.requests:
        Webhook(hook.secret).verify(each.body, each.headers)
    assert deliveries.page(hook.id)[0].tries == 3


@pytest.mark.parametrize("answer", [None, (410, {}, b"")])
def test_a_receiver_that_is_slow_or_gone(answer, store, webhooks, deliveries, receiver, sent_until):
    hook = webhooks.add("me", receiver.url(), EVENTS)
    end_job(store)
    if answer is None:
        receiver.holds.clear()
    else:
        receiver.answers.append(answer)
    sent_until(lambda: deliveries.page(hook.id)[0].error is not None, within_s=0.2)
    (row,) = deliveries.page(hook.id)
    assert webhooks.get(hook.id, "me").disabled == bool(answer)
    if answer is None:
        assert (row.state, row.error) == ("waiting", "127.0.0.1 did not answer in 0.2 s; wanted a faster one")
    else:
        assert (row.state, row.status, row.tries) == ("failed", 410, 1)


def test_an_address_that_is_not_public_is_not_sent_to_whenever_it_became_so(
    store, webhooks, deliveries, receiver, sent_until
):
    hook = webhooks.add("me", f"http://localhost:{receiver.port}/", EVENTS)  # the knob names 127.0.0.1
    end_job(store)
    sent_until(lambda: deliveries.page(hook.id)[0].error is not None)
    assert deliveries.page(hook.id)[0].error.startswith("the URL names port")
    assert receiver.requests == []


def test_a_slow_receiver_does_not_hold_up_those_of_others(store, webhooks, receiver, sent_until):
    receiver.holds.clear()
    webhooks.add("slow", receiver.url("/slow"), EVENTS)
    webhooks.add("me", receiver.url("/mine"), EVENTS)
    for owner in (*["slow"] * 30, "me"):
        end_job(store, owner)
    sent_until(lambda: "/mine" in [each.path for each in receiver.requests])
    assert [each.path for each in receiver.requests].count("/slow") == 4


def test_an_error_of_the_database_is_survived(store, webhooks, deliveries, receiver, sent_until, monkeypatch, caplog):
    webhooks.add("me", receiver.url(), EVENTS)
    end_job(store)
    due, failures = deliveries.due, [OSError("disk"), OSError("disk")]

    def unsteady(*how):
        if failures:
            raise failures.pop()
        return due(*how)

    monkeypatch.setattr(deliveries, "due", unsteady)
    sent_until(lambda: deliveries.counts() == {"delivered": 1})
    assert caplog.text.count("webhooks could not be read") == 2
