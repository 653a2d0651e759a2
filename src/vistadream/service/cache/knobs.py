"""The knobs of the cache: those of the service, and the part of them that its workers get."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vistadream.core.knobs import FROM_0, check_ranges, require

_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True)
class CachePlace:
    """Where results are kept, and how many. conf/worker.yaml says what the values mean."""

    max_gb: float
    folder: Path | None
    index: str | None
    password_env: str | None
    password_file: Path | None

    def __post_init__(self) -> None:
        check_ranges(self, max_gb=FROM_0)
        parts = urlsplit(self.index or "redis:")
        require(self, "index", parts.scheme in _SCHEMES, "redis://HOST:PORT/NUMBER, or null")
        if parts.password is not None:
            seen = "there is a password in it, and every user of the machine sees command lines"
            wanted = "it in a variable or a file: cache.password_env, cache.password_file"
            raise ValueError(f"{type(self).__name__}.index: {seen}; wanted {wanted}")
        one = self.password_env is None or self.password_file is None
        require(self, "password_env", one, "it or password_file, not both")


@dataclass(frozen=True)
class CacheKnobs(CachePlace):
    """The group `cache` of conf/serve.yaml, which says what the values mean."""

    enabled: bool
    shared: bool

    @property
    def place(self) -> dict[str, Any]:
        """What workers need to know, as knobs of conf/worker.yaml."""
        names = CachePlace.__dataclass_fields__
        return {f"cache.{name}": value for name in names if (value := getattr(self, name)) is not None}
