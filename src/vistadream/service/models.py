"""What the service answers, as the OpenAPI document describes it. Defaults of knobs are not repeated here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["queued", "running", "done", "failed", "cancelled"]
_POSE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
_FURTHER = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.2], [0, 0, 0, 1]]
ID = "06f3kz0h8m2v7c9w1q4t5r8x6y"
CURSOR = r"^[0-9a-hjkmnp-tv-z]{26}$"


class Progress(BaseModel):
    """How far the work of a running stage is."""

    done: int
    total: int


class Result(BaseModel):
    """One file that a run left."""

    name: str = Field(examples=["gaussians.ply"])
    url: str = Field(examples=[f"/v1/jobs/{ID}/results/gaussians.ply"])
    bytes: int
    sha256: str | None = Field(None, description="Of the content, where digests=true asks for it.")
    media_type: str = Field(examples=["application/octet-stream"])


class ListedJob(BaseModel):
    """A job in a list."""

    id: str = Field(examples=[ID])
    kind: str = Field(examples=["single_img"])
    state: State
    input: str | None = Field(None, description="The name of the uploaded file.", examples=["kitchen.jpg"])
    words: list[str] = Field(description="The knobs as on the command line.", examples=[["stage=coarse", "seed=3"]])
    priority: int
    degrade: bool = Field(description="Whether max_resolution may be made smaller when the memory is full.")
    attempts: int = Field(description="How often a worker has begun it.")
    error: str | None = Field(None, description="The sentence that the command line would print.")
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    cached_from: str | None = Field(None, description="The job whose run its results are of, if it was not run.")
    status: Literal["processing", "success", "error", "cancelled"] = Field(description="For clients of MLSharp.")
    task_id: str = Field(description="The id, for clients of MLSharp.", examples=[ID])
    processing_time: float | None = Field(None, description="Seconds from start to end, for clients of MLSharp.")
    url: str | None = Field(None, description="Of the PLY once done, for clients of MLSharp.")


class JobWebhook(BaseModel):
    """The endpoint that is sent the end of one job."""

    id: str = Field(examples=[ID])
    secret: str = Field(description="With which its messages are signed.")


class Job(ListedJob):
    """A job with all that is known of it."""

    place: int | None = Field(None, description="In the queue; 1 is the next one. Only while queued.")
    joined: str | None = Field(None, description="The equal job under way whose result it takes. Only while queued.")
    stage: str | None = Field(None, description="The stage that runs, or ran last.", examples=["coarse"])
    progress: Progress | None = None
    seconds_left: float | None = Field(
        None, description="Of work, without the wait in the queue, as jobs with the same knobs took; null when unknown."
    )
    memory_steps: list[str] = Field(
        description="What was done because the memory was full.",
        examples=[["attempt 1: the memory was full in coarse; it goes on in a fresh process, alone on the device"]],
    )
    figures: dict[str, Any] | None = Field(None, description="The content of metrics.json.")
    results: list[Result] = []
    before: str | None = Field(
        None,
        description="The entry of the gallery with the result before the change of this job, until that is done.",
        examples=[f"/v1/gallery/{ID}"],
    )
    webhook: JobWebhook | None = Field(None, description="Of the part webhook_url, in the answer of predict alone.")


class Page(BaseModel):
    """Some jobs, the newest first."""

    jobs: list[ListedJob]
    next: str | None = Field(None, description="The cursor of the next page; null on the last one.", examples=[ID])


class Results(BaseModel):
    """The files that the run of a job left."""

    results: list[Result]
    available: list[str] = Field(
        [],
        description="Names of what can be made of the finished scene: ask for it as for a result.",
        examples=[["gaussians.spz", "viewer.html"]],
    )


class PhotoCamera(BaseModel):
    """The camera of the photo, whose place is the origin of the world (OpenCV axes: x right, y down, z forward)."""

    stage: str = Field(description="The stage that it is of.", examples=["initialize"])
    width_px: int
    height_px: int
    focal_px: tuple[float, float] = Field(description="Horizontal and vertical.")
    principal_px: tuple[float, float]
    focus_z: float = Field(description="The distance of the main subject, in the unit of the scene.")


class Making(BaseModel):
    """A result that is being made."""

    name: str = Field(examples=["gaussians.spz"])
    url: str = Field(examples=[f"/v1/jobs/{ID}/results/gaussians.spz"])
    state: Literal["queued", "running"]


class Resume(BaseModel):
    """Knobs that replace those of before, and cameras through which the camera path is to go."""

    model_config = ConfigDict(extra="forbid")
    knobs: dict[str, Any] = Field({}, examples=[{"stages.refine.steps": 400}])
    cameras: dict[str, Any] | None = Field(
        None,
        description="As in docs/cameras.json: a list `cameras` (or nerfstudio's `camera_path`) of 2 to 1,000.",
        examples=[{"cameras": [{"world_from_cam": _POSE}, {"world_from_cam": _FURTHER}]}],
    )


class PlannedStage(BaseModel):
    """A stage of a job that would go on."""

    stage: str = Field(examples=["coarse"])
    kept: bool = Field(description="Its result on the disk is the one that it would have; false: it is computed.")
    seconds: float | None = Field(None, description="That it took before; null where that is not known.")


class Plan(BaseModel):
    """What a job would do if it went on."""

    stages: list[PlannedStage]
    words: list[str] = Field(description="The equal words of the command line.", examples=[["stage=coarse", "seed=3"]])


class Health(BaseModel):
    """Whether the service works, with the fields of MLSharp."""

    status: Literal["healthy"] = "healthy"
    version: str
    gpu_available: bool
    gpu_vendor: str | None = None
    gpu_name: str | None = None


class UploadLimits(BaseModel):
    """What one request may send."""

    request_bytes: int = Field(description="The whole request to predict.")
    batch_bytes: int = Field(description="The whole request that makes a batch.")
    batch_files: int = Field(description="Pictures of one batch.")
    pixels: int = Field(description="Of one picture.")


class PageFacts(BaseModel):
    """What the page has to know before anything else."""

    version: str
    viewer: bool = Field(description="Whether the files of the viewer are here, below /lib/.")
    missing_command: str = Field(description="The command that fetches them.", examples=["vistadream download viewer"])
    single_user: bool = Field(description="All who are let in are one person.")
    needs_key: bool = Field(description="Nobody is let in without a key, a token or a session.")
    signed_in: bool = Field(description="Whether whoever asks is let in.")
    owner: str | None = Field(None, description="Whose jobs whoever asks sees and makes.", examples=["alice"])
    scopes: list[str] = Field([], examples=[["jobs:read", "jobs:write"]])
    limits: UploadLimits


class SignIn(BaseModel):
    """What a browser gives once."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(max_length=8192, description="An API key vd_ID_SECRET, or a token (JWT).")


class Session(BaseModel):
    """Whom a session is of."""

    owner: str = Field(examples=["alice"])
    scopes: list[str] = Field(examples=[["jobs:read", "jobs:write"]])
    ends: str | None = Field(None, description="When the token ends, by which it was opened; null for a key.")


class Ready(BaseModel):
    """The service takes jobs."""

    status: Literal["ready"] = "ready"


class Spread(BaseModel):
    """Seconds of the newest jobs."""

    p50: float
    p95: float


class Gpu(BaseModel):
    """A GPU at this moment."""

    memory_used_gb: float
    memory_total_gb: float
    use: float = Field(description="The share of time in which it worked lately, 0 to 1.")


class CacheFigures(BaseModel):
    """What the cache of results holds."""

    entries: int
    bytes: int = Field(description="Of all results, those included that jobs have too.")
    max_bytes: int = Field(description="What results that no job has any more may take.")
    hits: int = Field(description="Requests since the start whose result was there.")
    misses: int = Field(description="Requests since the start whose result was not there.")
    enabled: bool = Field(description="This and the next three: for clients of MLSharp.")
    size: int = Field(description="The same as bytes.")
    max_size: int = Field(description="The same as max_bytes.")
    hit_rate: float = Field(description="Share of requests whose result was there; 0 before the first.")


class SeenGpu(BaseModel):
    """The GPU of a machine, for clients of MLSharp."""

    available: bool
    vendor: str | None = None
    name: str | None = None
    count: int = Field(description="Of NVIDIA, as far as the package nvidia-ml-py is installed; else 0 or 1.")
    memory_mb: int | None = Field(None, description="Of the first one, where it is known.")


class OwnUse(BaseModel):
    """What the caller has, and the most that one owner may have."""

    queued_jobs: int
    disk_bytes: int = Field(description="All files of ended jobs, and the input of others.")
    max_queued_jobs: int | None = Field(None, description="null: no limit.")
    max_disk_bytes: int | None = Field(None, description="null: no limit.")


class Workers(BaseModel):
    """The processes of this service that carry out jobs."""

    alive: int
    restarts: int = Field(description="Workers that ended and were replaced, those that made room included.")


class Stats(BaseModel):
    """Figures of the service."""

    jobs: dict[str, int] = Field(
        description="How many jobs of the caller are in each state; with the scope admin, of all owners.",
        examples=[{"queued": 3, "done": 40}],
    )
    uptime_s: float
    disk_free_gb: float
    listeners: int = Field(description="Streams of events that are open.")
    jobs_per_hour: int = Field(description="Jobs that were done in the last hour, of the same owners.")
    stage_seconds: dict[str, Spread] = Field(
        description="Of each stage, and of the start and the delivery of results, in the newest 1,000 jobs.",
        examples=[{"initialize": {"p50": 4.2, "p95": 6.1}}],
    )
    job_seconds: Spread | None = Field(description="Of all parts of a job together; null before the first job.")
    queue_wait_seconds: Spread | None = Field(description="From the request to the start of the job.")
    gpu: SeenGpu
    gpus: list[Gpu] = Field(description="Of NVIDIA, as far as the package nvidia-ml-py is installed.")
    cache: CacheFigures
    own: OwnUse
    workers: Workers | None = Field(None, description="null where they are not processes of this service.")


class Cleared(BaseModel):
    """What was removed from the cache."""

    entries: int
    bytes: int


class Models(BaseModel):
    """Every model that can be used."""

    models: list[dict[str, Any]]


class Backend(BaseModel):
    """A backend, and whether it can run on the machine of the service."""

    role: str
    name: str
    lacks: list[str] = Field(description="what has to be done before it can run here, each with its command")
    models: list[dict[str, str]] = Field(description="the models that it uses here, with their licenses")
    commercial: bool = Field(description="whether the licenses of all of them allow commercial use")
    auto: str | None = Field(description="why auto takes it; null where it takes another one")


class Backends(BaseModel):
    """Every backend that a request may choose."""

    backends: list[Backend]
