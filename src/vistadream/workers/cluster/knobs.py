"""Which Ray cluster is used, and what a worker has of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vistadream.core.knobs import ABOVE_0, FROM_0, check_ranges, require

_ADDRESS = re.compile(r"[^\s/]+:\d+")


@dataclass(frozen=True)
class ClusterKnobs:
    """The group `ray`. ValueError for a value out of its range."""

    address: str | None
    gpus_per_worker: float | None
    cpus_per_worker: float | None
    insecure: bool

    def __post_init__(self) -> None:
        check_ranges(self, gpus_per_worker=FROM_0, cpus_per_worker=ABOVE_0)
        known = self.address is None or bool(_ADDRESS.fullmatch(self.address))
        require(self, "address", known, "HOST:PORT of the head node, such as 10.0.0.5:6379")
        whole = self.gpus_per_worker is None or self.gpus_per_worker < 1 or self.gpus_per_worker % 1 == 0
        require(self, "gpus_per_worker", whole, "a share of one GPU, such as 0.5, or a whole number")
