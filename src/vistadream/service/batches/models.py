"""What the service answers about batches, as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from vistadream.service.models import ID, ListedJob


class ListedBatch(BaseModel):
    """A batch in a list."""

    id: str = Field(examples=[ID])
    created: datetime
    state: Literal["running", "ended"] = Field(description="running: some of its jobs are queued or run.")
    counts: dict[str, int] = Field(description="How many jobs are in each state.", examples=[{"queued": 3, "done": 40}])


class BatchJob(BaseModel):
    """A picture of a batch."""

    folder: str = Field(description="In the archive: the name of the file without its suffix.", examples=["kitchen"])
    job_id: str = Field(examples=[ID])
    job: ListedJob | None = Field(None, description="null where the job was deleted.")


class Batch(ListedBatch):
    """A batch with its jobs, in the order of the pictures."""

    jobs: list[BatchJob]


class BatchPage(BaseModel):
    """Some batches, the newest first."""

    batches: list[ListedBatch]
    next: str | None = Field(None, description="The cursor of the next page; null on the last one.", examples=[ID])
