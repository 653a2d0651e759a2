from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from vistadream.service.outgoing.signing import headers_of, new_secret
from vistadream.service.outgoing.webhooks import MOST, Webhooks
from vistadream.service.queue.store import Store


@pytest.fixture
def webhooks(store: Store) -> Webhooks:
    return Webhooks(store.database, lambda: datetime.now(UTC).timestamp())


def test_endpoints_are_each_owners_own(webhooks):
    mine = webhooks.add("me", "https://a.example", ["job.done"])
    webhooks.add("you", "https://b.example", ["job.done"])
    assert webhooks.all_of("me") == [mine]
    assert webhooks.get(mine.id, "you") is None
    assert webhooks.get(mine.id, "me") == mine


def test_there_is_a_limit(webhooks):
    found = [webhooks.add("me", "https://a.example", ["job.done"]) for _ in range(MOST + 1)]
    assert found[-1] is None
    assert all(found[:-1])
    assert len({row.secret for row in found[:-1]}) == MOST
    assert webhooks.add("you", "https://a.example", ["job.done"])


def test_both_secrets_are_valid_for_a_day_after_a_rotation(webhooks):
    row = webhooks.add("me", "https://a.example", ["job.done"])
    new = webhooks.rotate(row.id)
    assert (new.old_secret, new.secret != row.secret) == (row.secret, True)
    now_s = datetime.now(UTC).timestamp()
    headers = headers_of(new, "m", "{}", now_s)
    for secret in (row.secret, new.secret):
        Webhook(secret).verify("{}", headers)
    assert new.old_until_s == pytest.approx(now_s + 24 * 3600, abs=60)
    later = headers_of(new, "m", "{}", new.old_until_s)["webhook-signature"]
    assert len(later.split()) == 1
    assert webhooks.rotate("none") is None


def test_a_signature_is_of_the_id_the_time_and_each_byte_of_the_body(webhooks):
    row = webhooks.add("me", "https://a.example", ["job.done"])
    now_s = datetime.now(UTC).timestamp()
    headers = headers_of(row, "m", '{"a": 1}', now_s)
    assert Webhook(row.secret).verify('{"a": 1}', headers) == {"a": 1}
    earlier = {"webhook-timestamp": str(int(now_s) - 1)}
    changed = [('{"a":1}', {}), ('{"a": 1}', {"webhook-id": "n"}), ('{"a": 1}', earlier)]
    for body, others in changed:
        with pytest.raises(WebhookVerificationError):
            Webhook(row.secret).verify(body, headers | others)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify('{"a": 1}', headers)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(row.secret).verify("{}", headers_of(row, "m", "{}", now_s - 400))
