"""What one owner may have: queued jobs and bytes on the disk."""

import threading
from contextlib import suppress

import pytest

from vistadream.assets import sample_image
from vistadream.service.access.quota import Use
from vistadream.service.problems import ProblemError
from vistadream.service.queue.tables import JobRow, new_id


def put(made, key, **headers):
    with sample_image().open("rb") as picture:
        how = {
            "headers": {"X-API-Key": key, **headers},
            "files": {"file": ("a.png", picture)},
        }
        return made.ask("POST", "/v1/predict", **how)


def test_queued_jobs_are_limited_for_each_owner(house):
    made = house("quota.queued_jobs=2")
    key = made.keys.add("a").text
    done = made.job("a", state="done")
    made.job("a"), made.job("a"), made.job("b")
    refused = put(made, key)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert "2 jobs of yours are queued; wanted at most 2" in refused.json()["detail"]
    assert made.ask("POST", f"/v1/jobs/{done}/resume", key).status_code == 429
    assert not list(made.service.data.drafts.iterdir())
    made.service.quota.check("b", more_jobs=1)
    with pytest.raises(ProblemError, match="1 jobs of yours"):
        made.service.quota.check("b", more_jobs=2)


def test_bytes_on_the_disk_are_limited_for_each_owner(house):
    made = house("quota.disk_gb=0.001")
    made.job("a", state="done", disk_bytes=400_000)
    made.job("b", state="done", disk_bytes=10**13)
    made.service.quota.check("a")
    made.job("a", disk_bytes=600_000)
    refused = put(made, made.keys.add("a").text)
    assert refused.status_code == 507
    assert "your jobs take 0.001 GB; wanted less than 0.001 GB" in refused.json()["detail"]


def test_a_request_that_is_sent_again_is_its_job_also_when_the_queue_is_full(house):
    made = house("quota.queued_jobs=1", "cache.enabled=false")
    key = made.keys.add("a").text
    made.service.clerk = AnyWords()
    first = put(made, key, **{"Idempotency-Key": "k"})
    assert first.status_code == 202
    assert made.service.store.disk_bytes("a") == sample_image().stat().st_size
    assert put(made, key, **{"Idempotency-Key": "k"}).json()["id"] == first.json()["id"]
    assert put(made, key, **{"Idempotency-Key": "l"}).status_code == 429


class AnyWords:
    """A clerk that checks nothing, as that takes the import of torch."""

    async def words(self, *_, **__):
        return []


@pytest.mark.parametrize("none", ["null", "0"])
def test_null_and_0_are_no_limit(none, house):
    made = house(f"quota.queued_jobs={none}", f"quota.disk_gb={none}")
    made.job("a", disk_bytes=10**13)
    made.service.quota.check("a", more_jobs=10**6)


def test_of_many_at_the_same_moment_no_more_are_queued_than_allowed(house):
    made = house("quota.queued_jobs=3")

    def add():
        with suppress(ProblemError), made.service.quota.room("a"):
            made.service.store.add(JobRow(id=new_id(), owner="a"))

    threads = [threading.Thread(target=add) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made.service.store.counts("a") == {"queued": 3}


def test_an_owner_is_told_what_is_used_and_what_is_allowed(house):
    made = house("quota.queued_jobs=5", "quota.disk_gb=0.5")
    made.job("a", disk_bytes=10), made.job("a", state="done", disk_bytes=20), made.job("b", disk_bytes=40)
    assert made.service.quota.use("a") == Use(1, 30, 5, 500_000_000)
    assert house("quota.queued_jobs=0").service.quota.use("c") == Use(0, 0, None, None)
