"""Equal jobs: those with one key, of which one is run and the others take its result.

Whether an equal job is under way is not kept with a job, but looked up when a worker takes it. So whatever happens to
the one that runs, the next one can be taken.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_

from vistadream.service.queue.tables import JobRow, jobs

_other = jobs.alias("other")


def _equal(*about: ColumnElement[bool]) -> ColumnElement[bool]:
    same = (_other.c.result_key == jobs.c.result_key, _other.c.id != jobs.c.id)
    return and_(jobs.c.result_key != "", exists().where(*same, *about).correlate(jobs))


EQUAL_RUNS = _equal(_other.c.state == "running")
EQUAL_IS_DONE = _equal(_other.c.state == "done")
EQUAL_IS_AHEAD = _equal(
    _other.c.state == "queued",
    or_(
        _other.c.priority > jobs.c.priority,
        and_(_other.c.priority == jobs.c.priority, _other.c.id < jobs.c.id),
    ),
)
"""Of two that nobody has begun, only the first in the queue may be; else two workers could begin one each."""


def equal_before(job: JobRow) -> tuple[ColumnElement[bool], ...]:
    """What holds of the jobs that a queued job waits for."""
    ahead = or_(jobs.c.priority > job.priority, and_(jobs.c.priority == job.priority, jobs.c.id < job.id))
    under_way = or_(jobs.c.state == "running", and_(jobs.c.state == "queued", ahead))
    return (jobs.c.result_key == job.result_key, jobs.c.result_key != "", jobs.c.id != job.id, under_way)
