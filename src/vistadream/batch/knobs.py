"""The knobs of `vistadream batch`; conf/batch.yaml says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistadream.batch.engine_knobs import SlurmKnobs
from vistadream.batch.object_store import folder_of
from vistadream.batch.work import Keep
from vistadream.core.knobs import ABOVE_0, FROM_0, FROM_1, SHARE, check_ranges, require
from vistadream.workers.cluster.knobs import ClusterKnobs


@dataclass(frozen=True)
class BatchKnobs:
    """The group `batch`. ValueError for a value out of its range."""

    keep: Keep
    add: bool
    limit: int | None
    shuffle: int | None
    max_bad: float
    dead_after_s: float
    deaths: int
    timeout_s: float | None
    min_free_gb: float
    scratch: Path | None
    price_per_hour: float | None

    def __post_init__(self) -> None:
        check_ranges(self, max_bad=SHARE, dead_after_s=ABOVE_0, deaths=FROM_1, limit=FROM_1, shuffle=FROM_0)
        check_ranges(self, price_per_hour=FROM_0, min_free_gb=FROM_0, timeout_s=ABOVE_0)


@dataclass(frozen=True)
class Knobs:
    """The values of conf/batch.yaml, without the knobs of the runs. ValueError for a value out of its range."""

    images: str | None
    out: str
    engine: str
    workers: int | Literal["auto"]
    worker_gb: float
    join: bool
    dry: bool
    batch: BatchKnobs
    ray: ClusterKnobs
    slurm: SlurmKnobs

    def __post_init__(self) -> None:
        check_ranges(self, worker_gb=ABOVE_0)
        if self.workers != "auto":
            require(self, "workers", FROM_1.holds(self.workers), "a number from 1 on, or auto")

    @property
    def folder(self) -> Path:
        """The folder of the batch on this machine; where `out` is an object store, that of the work under way."""
        return folder_of(self.out, self.batch.scratch)
