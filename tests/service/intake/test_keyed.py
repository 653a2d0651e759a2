"""Keys of results belong to an owner, unless the cache is shared."""

import asyncio
from types import SimpleNamespace

import pytest

from vistadream.service.intake.keyed import keyed
from vistadream.service.queue.tables import JobRow


async def keys(words, job, digests):
    """The clerk's answer: every picture known but for the one without a digest."""
    return [(f"scene {digest}", f"result {digest}") if digest else ("", "") for digest in digests]


def rows_with(shared: bool, enabled: bool = True) -> list[JobRow]:
    cache = SimpleNamespace(enabled=enabled, shared=shared)
    service = SimpleNamespace(knobs=SimpleNamespace(cache=cache), clerk=SimpleNamespace(keys=keys))
    rows = [JobRow(str(n), owner=owner, digest=digest) for n, (owner, digest) in enumerate(["aP", "bP", "aQ", "aP"])]
    return asyncio.run(keyed([*rows, JobRow("4", owner="a")], service))


@pytest.mark.parametrize(("shared", "different"), [(False, 3), (True, 2)])
def test_equal_jobs_of_two_owners_have_one_key_where_the_cache_is_shared(shared, different):
    rows = rows_with(shared)
    assert len({row.result_key for row in rows[:4]}) == different
    assert rows[0].result_key == rows[3].result_key
    assert (rows[0].result_key == rows[1].result_key) == shared
    assert rows[0].scene_key == rows[1].scene_key == "scene P"


def test_what_the_clerk_does_not_know_and_a_cache_that_is_off_give_no_key():
    assert rows_with(shared=False)[4].result_key == ""
    assert {row.result_key for row in rows_with(shared=True, enabled=False)} == {""}
