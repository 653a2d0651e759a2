"""Requests a minute: each key and each class of route on its own; a right key is never held up by wrong ones."""

import pytest

from vistadream.service.access.rates import network_of


def until_refused(ask, most):
    """Asks until 429; how many were answered before. A minute that begins meanwhile lets some more through."""
    for answered in range(3 * most + 2):
        if (answer := ask()).status_code == 429:
            return answered, answer
    raise AssertionError("never refused")


def test_each_key_and_each_class_of_route_has_a_limit_of_its_own(house):
    made = house("limits.read_per_minute=5", "limits.submit_per_minute=2")
    first, second = made.keys.add("a").text, made.keys.add("b").text
    begun = made.ask("GET", "/v1/jobs", first)
    assert begun.headers["ratelimit-policy"] == '"read";q=5;w=60'
    assert begun.headers["ratelimit"].startswith('"read";r=4;t=')
    answered, refused = until_refused(lambda: made.ask("GET", "/v1/jobs", first), 4)
    assert answered >= 4
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit"] == f'"read";r=0;t={refused.headers["retry-after"]}'
    assert made.ask("GET", "/v1/jobs", second).status_code == 200
    cancel = "/v1/jobs/x/cancel"
    assert made.ask("POST", cancel, first).headers["ratelimit-policy"] == '"submit";q=2;w=60'
    until_refused(lambda: made.ask("POST", cancel, first), 2)


def test_without_keys_each_address_counts(house):
    made = house("limits.read_per_minute=2")
    until_refused(lambda: made.ask("GET", "/v1/jobs", address="5.5.5.5"), 2)
    assert made.ask("GET", "/v1/jobs", address="5.5.5.6").status_code == 200
    until_refused(lambda: made.ask("GET", "/v1/ready", address="5.5.5.7"), 2)


def test_wrong_keys_are_limited_by_address_and_right_ones_are_answered_all_the_same(house):
    made = house("limits.failures_per_minute=3")
    key = made.keys.add("a").text
    answered, refused = until_refused(lambda: made.ask("GET", "/v1/jobs", "vd_wrong"), 3)
    assert answered >= 3
    assert "wrong keys" in refused.json()["detail"]
    assert made.ask("GET", "/v1/jobs", key).status_code == 200
    assert made.ask("GET", "/v1/jobs").status_code == 401, "no key is no wrong key"
    assert made.ask("GET", "/v1/jobs", "vd_wrong", address="9.9.9.9").status_code == 401


def test_null_is_no_limit(house):
    made = house("limits.read_per_minute=null")
    assert "ratelimit" not in made.ask("GET", "/v1/jobs").headers


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_whoever_has_a_network_counts_once(address, counts_as):
    assert network_of(address) == counts_as
