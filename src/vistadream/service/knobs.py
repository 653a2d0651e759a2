"""The knobs of `vistadream serve`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistadream.core.knobs import ABOVE_0, FROM_0, FROM_1, Range, check_ranges, require
from vistadream.service.access.knobs import JwtKnobs, LimitKnobs, QuotaKnobs
from vistadream.service.batches.knobs import BatchKnobs
from vistadream.service.cache.knobs import CacheKnobs
from vistadream.service.cluster.knobs import ServeClusterKnobs
from vistadream.service.outgoing.knobs import OutgoingKnobs

Level = Literal["debug", "info", "warning", "error"]
"""What is logged: messages of this level and above."""
_ADDRESS = "an IP address, such as 127.0.0.1, or 0.0.0.0 for all of this machine"


@dataclass(frozen=True)
class ServeKnobs:
    """The values of conf/serve.yaml, which says what they mean. ValueError for one out of its range."""

    port: int | Literal["auto"]
    host: str
    uds: Path | None
    data: Path
    database_env: str | None
    allow_hosts: list[str]
    allow_origins: list[str]
    proxies: list[str]
    jwt: JwtKnobs
    limits: LimitKnobs
    quota: QuotaKnobs
    max_upload_mb: float
    head_s: float
    body_idle_s: float
    max_wait_s: float
    predict_wait_s: float
    workers: int | Literal["auto"]
    worker_jobs: int
    worker_rss_gb: float
    worker_deaths: int
    idle_unload_s: float
    drain_s: float
    min_free_gb: float
    tune: Literal["kept", "auto"]
    log_level: Level
    log_dir: Path | None
    outgoing: OutgoingKnobs
    cache: CacheKnobs
    batches: BatchKnobs
    gallery: list[str]
    allow_noncommercial: bool
    engine: Literal["local", "ray"]
    ray: ServeClusterKnobs

    def __post_init__(self) -> None:
        require(self, "port", self.port == "auto" or Range(1, 65535).holds(self.port), "1 to 65535, or auto")
        require(self, "workers", self.workers == "auto" or Range(0, 64).holds(self.workers), "0 to 64, or auto")
        check_ranges(self, max_upload_mb=ABOVE_0, head_s=ABOVE_0, body_idle_s=ABOVE_0)
        check_ranges(self, max_wait_s=FROM_0, predict_wait_s=FROM_0, drain_s=FROM_0, min_free_gb=FROM_0)
        check_ranges(self, worker_jobs=FROM_1, worker_rss_gb=ABOVE_0, worker_deaths=FROM_1, idle_unload_s=FROM_0)
        require(self, "host", _is_address(self.host), _ADDRESS)

    @property
    def is_exposed(self) -> bool:
        """Whether other machines can connect."""
        return self.uds is None and not ipaddress.ip_address(self.host).is_loopback


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False
