"""The groups of knobs about access: tokens, rates and quotas. conf/serve.yaml says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistadream.core.knobs import FROM_0, FROM_1, check_ranges, require

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]


@dataclass(frozen=True)
class JwtKnobs:
    """Tokens that somebody else issues. ValueError for a value that is not possible."""

    key_file: Path | None
    algorithm: Algorithm
    audience: str
    issuer: str | None

    def __post_init__(self) -> None:
        check_ranges(self)
        require(self, "audience", self.audience, "the name of this service in the claim aud")


@dataclass(frozen=True)
class LimitKnobs:
    """Requests a minute of one key, or of one address without a key. ValueError for one out of its range."""

    read_per_minute: int | None
    submit_per_minute: int | None
    admin_per_minute: int | None
    failures_per_minute: int | None

    def __post_init__(self) -> None:
        check_ranges(self, read_per_minute=FROM_1, submit_per_minute=FROM_1)
        check_ranges(self, admin_per_minute=FROM_1, failures_per_minute=FROM_1)


@dataclass(frozen=True)
class QuotaKnobs:
    """What one owner may have. ValueError for a value out of its range."""

    queued_jobs: int | None
    disk_gb: float | None

    def __post_init__(self) -> None:
        check_ranges(self, queued_jobs=FROM_0, disk_gb=FROM_0)
