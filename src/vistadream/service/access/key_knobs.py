"""The knobs of `vistadream keys`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vistadream.core import UserError
from vistadream.core.knobs import ABOVE_0, check_ranges
from vistadream.service.access.keys import Keys
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.database import Database


@dataclass(frozen=True)
class KeyKnobs:
    """The values of conf/keys.yaml, which says what they mean. ValueError for one out of its range."""

    data: Path
    database_env: str | None
    name: str | None
    owner: str | None
    scopes: list[str]
    expires_days: float | None
    id: str | None

    def __post_init__(self) -> None:
        check_ranges(self, expires_days=ABOVE_0)

    @contextmanager
    def opened(self) -> Iterator[Keys]:
        """The keys of the service; UserError where its database cannot be opened."""
        if self.database_env is None:
            _make(self.data)
        database = Database(database_url(self.data, self.database_env))
        try:
            yield Keys(database)
        finally:
            database.close()


def _make(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"data={data}: {error.strerror}; wanted a folder that can be written") from error
