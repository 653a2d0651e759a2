"""What the routes of the gallery answer and take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from vistadream.service.models import ID, Result, State

Name = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=40)]


class GalleryEntry(BaseModel):
    """A job of the service, or a run in a folder of `gallery=`."""

    id: str = Field(examples=[ID])
    name: str = Field(description="That it was given, else that of its picture.", examples=["kitchen"])
    state: State | Literal["unknown"] = Field(description="unknown: what it left does not say.")
    stage: str | None = Field(None, description="The last stage that it finished.", examples=["coarse"])
    seconds: float | None = Field(None, description="That its stages took; null where that is not known.")
    created: datetime
    words: list[str] = Field(description="The knobs as on the command line.", examples=[["stage=coarse"]])
    tags: list[str] = []
    star: bool = False
    thumbnail: str | None = Field(None, description="The scene at the photo's place; null before there is one.")
    job: str | None = Field(None, description="The job of the service; null for a run of another folder.")
    read_only: bool = Field(description="It is in a folder that the service never changes.")
    before: bool = Field(
        description="Files, picture, stage and knobs are those of before the change of this job, until that is done."
    )
    damaged: bool = Field(description="It says too little of itself, or lacks the results that it says it has.")


class GalleryPage(BaseModel):
    """Some entries, the newest first."""

    entries: list[GalleryEntry]
    next: str | None = Field(None, description="The cursor of the next page; null on the last one.", examples=[ID])


class GalleryRun(GalleryEntry):
    """An entry with the files that its run left."""

    results: list[Result] = []


class Said(BaseModel):
    """What somebody says about a run; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = Field(None, description="null: that of its picture again.")
    tags: Annotated[list[Tag], Field(max_length=20)] | None = None
    star: StrictBool | None = None


class Deleted(BaseModel):
    """A run that is not shown any more, and until when that can be undone."""

    id: str = Field(examples=[ID])
    undo_until: datetime
