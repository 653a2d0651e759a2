"""Messages on their way, with a clock that the test moves."""

import json
from collections.abc import Callable

import pytest

from vistadream.service.outgoing.deliveries import WAITS_S, Deliveries
from vistadream.service.outgoing.tables import DeliveryRow
from vistadream.service.outgoing.webhooks import Webhooks
from vistadream.service.queue.store import Store
from vistadream.service.queue.tables import JobRow, new_id

DAY_S = 24 * 3600.0
LOST_S = 15.0
ALL = ["job.done", "job.failed", "job.cancelled"]


class Clock:
    now_s = 2e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def webhooks(store: Store, clock: Clock) -> Webhooks:
    return Webhooks(store.database, clock)


@pytest.fixture
def deliveries(store: Store, clock: Clock) -> Deliveries:
    return Deliveries(store.database, clock)


@pytest.fixture
def end_job(store: Store) -> Callable[..., JobRow]:
    """Ends a new job."""

    def end(owner: str = "me") -> JobRow:
        return store.ask_cancel(store.add(JobRow(new_id(), owner=owner)).id)

    return end


def tried(deliveries: Deliveries, status: int | None = 500) -> DeliveryRow:
    """The only message that is due, after one try with this answer."""
    ((row, _),) = deliveries.due(10)
    begun = deliveries.begin(row, LOST_S)
    deliveries.settle(begun, status, None if status == 200 else "why")
    return deliveries.get(row.id, row.webhook_id)


def test_a_message_is_tried_eight_times_in_about_a_day(webhooks, deliveries, clock, end_job):
    webhooks.add("me", "https://a.example", ALL)
    end_job()
    begun_s, ids = clock.now_s, set()
    for number in range(1, 9):
        row = tried(deliveries)
        ids.add(row.id)
        assert (row.tries, row.status, row.error) == (number, 500, "why")
        assert row.state == ("waiting" if number < 8 else "failed")
        assert number == 8 or deliveries.due(10) == [], "not before its time"
        clock.now_s = row.next_s if number < 8 else clock.now_s
    assert len(ids) == 1, "the same id at each try"
    assert 0.85 * DAY_S < clock.now_s - begun_s < 1.15 * DAY_S
    clock.now_s += 9 * DAY_S
    assert deliveries.due(10) == []
    assert deliveries.counts() == {"failed": 1}


def test_waits_differ(webhooks, deliveries, clock, end_job):
    hook = webhooks.add("me", "https://a.example", ALL)
    for _ in range(8):
        end_job()
    for row, _ in deliveries.due(10):
        deliveries.settle(deliveries.begin(row, LOST_S), 500, "why")
    waits = {row.next_s - clock.now_s for row in deliveries.page(hook.id)}
    assert len(waits) == 8
    assert all(0.9 * WAITS_S[0] <= wait <= 1.1 * WAITS_S[0] for wait in waits)


def test_a_message_goes_to_whoever_takes_it_first_and_a_lost_try_is_made_again(webhooks, deliveries, clock, end_job):
    webhooks.add("me", "https://a.example", ALL)
    end_job()
    ((row, owner),) = deliveries.due(10)
    assert owner == "me"
    assert deliveries.begin(row, LOST_S)
    assert deliveries.begin(row, LOST_S) is None
    clock.now_s += LOST_S - 1
    assert deliveries.due(10) == [], "it may still be under way"
    clock.now_s += 1  # whoever took it was killed
    ((again, _),) = deliveries.due(10)
    begun = deliveries.begin(again, LOST_S)
    assert (begun.id, begun.tries) == (row.id, 2)


def test_an_owner_who_has_enough_under_way_waits(webhooks, deliveries, end_job):
    for owner in ("me", "you"):
        webhooks.add(owner, "https://a.example", ALL)
        end_job(owner)
    assert [owner for _, owner in deliveries.due(10, without=["me"])] == ["you"]
    assert len(deliveries.due(1)) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_what_was_delivered_is_not_sent_again(status, webhooks, deliveries, clock, end_job):
    webhooks.add("me", "https://a.example", ALL)
    end_job()
    assert tried(deliveries, status).state == "delivered"
    clock.now_s += DAY_S
    assert deliveries.due(10) == []


def test_410_disables_the_endpoint_and_ends_what_waits_for_it(webhooks, deliveries, end_job):
    hook = webhooks.add("me", "https://a.example", ALL)
    end_job()
    end_job()
    first, _ = deliveries.due(1)[0]
    deliveries.settle(deliveries.begin(first, LOST_S), 410, "gone")
    assert webhooks.get(hook.id, "me").disabled
    assert {(each.state, each.error) for each in deliveries.page(hook.id)} == {
        ("failed", "gone"),
        ("failed", "the endpoint is disabled"),
    }
    end_job()
    assert deliveries.counts() == {"failed": 2}, "nothing new is written for it"
    webhooks.enable(hook.id, True)
    end_job()
    assert deliveries.counts() == {"failed": 2, "waiting": 1}


def test_an_ended_message_is_sent_again_on_demand_with_its_id(webhooks, deliveries, clock, end_job):
    webhooks.add("me", "https://a.example", ALL)
    end_job()
    row, _ = deliveries.due(1)[0]
    assert deliveries.resend(row.id) is None, "it is still on its way"
    sent = tried(deliveries, 200)
    assert deliveries.resend(sent.id).state == "waiting"
    again, _ = deliveries.due(1)[0]
    assert (again.id, again.body, again.tries) == (row.id, row.body, 0)


def test_old_messages_are_swept_and_endpoints_of_jobs_that_are_gone(webhooks, deliveries, clock, store, end_job):
    kept = webhooks.add("me", "https://a.example", ALL)
    job = JobRow(new_id(), owner="me")
    store.add(job, webhooks.for_job("me", "https://b.example", job.id))
    store.ask_cancel(job.id)
    for row, _ in deliveries.due(10):
        deliveries.settle(deliveries.begin(row, LOST_S), 200, None)
    end_job()
    clock.now_s += 10
    deliveries.sweep(100)
    assert deliveries.counts() == {"delivered": 2, "waiting": 1}
    clock.now_s += 100
    deliveries.sweep(100)
    assert deliveries.counts() == {"waiting": 1}
    assert webhooks.of_job(job.id), "its job is still there, and may be resumed"
    store.remove(job.id)
    deliveries.sweep(100)
    assert webhooks.of_job(job.id) is None
    assert webhooks.get(kept.id, "me")


def test_an_endpoint_is_removed_with_its_messages(webhooks, deliveries, end_job):
    hook = webhooks.add("me", "https://a.example", ALL)
    end_job()
    begun = deliveries.begin(deliveries.due(1)[0][0], LOST_S)
    webhooks.remove(hook.id)
    assert deliveries.counts() == {}
    deliveries.settle(begun, 200, None)  # of a try that was under way
    assert deliveries.counts() == {}


def test_pages_are_the_newest_first(webhooks, deliveries, end_job):
    hook = webhooks.add("me", "https://a.example", ALL)
    jobs = [end_job().id for _ in range(5)]
    first = deliveries.page(hook.id, limit=3)
    rest = deliveries.page(hook.id, before=first[-1].id, limit=3)
    assert {each.job_id for each in first + rest} == set(jobs)
    assert [each.id for each in first + rest] == sorted((each.id for each in first + rest), reverse=True)
    assert json.loads(first[0].body)["type"] == "job.cancelled"


def test_the_index_finds_what_is_due(deliveries, store):
    if store.database.engine.dialect.name != "sqlite":
        pytest.skip("the plan of another database")
    plan = "explain query plan select * from deliveries where state = 'waiting' and next_s <= 5 order by next_s limit 9"
    with store.database.reading() as connection:
        assert "deliveries_due" in str(connection.exec_driver_sql(plan).all())
