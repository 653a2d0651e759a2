"""What is written in the transaction that ends a job, so that whatever is killed, it is written once for each end."""

from __future__ import annotations

from sqlalchemy import Connection

from vistadream.service.outgoing.outbox import write_deliveries
from vistadream.service.queue.tables import JobRow


def write_with_the_end(connection: Connection, job: JobRow) -> None:
    """Called with each job as it is once it is done, failed or cancelled."""
    write_deliveries(connection, job)
