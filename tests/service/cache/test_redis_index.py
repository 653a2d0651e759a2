"""The index in Redis: what it stores, and what happens when the server is away or holds something else."""

import logging
import pickle
import socket

import pytest
from tests.service.cache.conftest import PASSWORD

from vistadream.service.cache.entry import Entry
from vistadream.service.cache.index import IndexAwayError
from vistadream.service.cache.redis_index import RedisIndex

ENTRY = Entry("k", "job", "/srv/jobs/job", "photo.jpg", 10, 1.0)


@pytest.fixture(params=["server", "fakeredis"])
def index(request: pytest.FixtureRequest) -> RedisIndex:
    """An empty index: a real server, or, for the logic alone, a server in Python."""
    if request.param == "server":
        index = RedisIndex(request.getfixturevalue("redis_url"), PASSWORD)
    else:
        index = RedisIndex("redis://127.0.0.1", None)
        index._redis = pytest.importorskip("fakeredis").FakeRedis()
    index._redis.flushdb()
    return index


def test_two_machines_see_the_same_entries(redis_url):
    here, there = (RedisIndex(redis_url, PASSWORD) for _ in range(2))
    here._redis.flushdb()
    here.put(ENTRY)
    assert there.get("k") == ENTRY
    there.touch("k")
    assert here.get("k").used_s > ENTRY.used_s
    there.remove("k")
    assert here.entries() == []


def test_values_are_json(index):
    index.put(ENTRY)
    (value,) = index._redis.hvals("vistadream:cache")
    assert value == ENTRY.to_json().encode()


@pytest.mark.parametrize(
    "value",
    [b"\xff", b"{", b"[]", b"{}", pickle.dumps(ENTRY), b'{"key": 1}', ENTRY.to_json().replace('"k"', '"../x"')],
    ids=range(7),
)
def test_a_value_of_another_program_is_no_entry(value, index):
    index._redis.hset("vistadream:cache", "k", value)
    assert index.get("k") is None
    assert index.entries() == []


def test_a_server_that_is_away_is_one_warning_and_is_not_asked_each_time(caplog):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        index = RedisIndex(f"redis://127.0.0.1:{sock.getsockname()[1]}", None)
        with caplog.at_level(logging.WARNING):
            for ask in (lambda: index.get("k"), lambda: index.put(ENTRY), index.entries):
                with pytest.raises(IndexAwayError):
                    ask()
            index._next_try_s = 0.0
            with pytest.raises(IndexAwayError):
                index.get("k")
    assert [record.getMessage()[:35] for record in caplog.records] == ["the index of the cache does not ans"]


def test_a_wrong_password_is_a_miss_and_never_in_the_log(redis_url, caplog):
    with pytest.raises(IndexAwayError):
        RedisIndex(redis_url, "wrong secret").get("k")
    assert "wrong secret" not in caplog.text
