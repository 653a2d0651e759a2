"""What the processes of a service on other machines need to know."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vistadream.core import UserError
from vistadream.service.data import DataFolder
from vistadream.service.knobs import ServeKnobs
from vistadream.service.queue.claims import database_url

_POSTGRESQL = "postgresql"


@dataclass(frozen=True)
class Setting:
    """Plain values, which the driver gives to each replica and each worker."""

    knobs: ServeKnobs
    environment: Mapping[str, str] = field(repr=False)
    """The variables that the knobs name; they hold passwords."""
    ticket_secret: bytes = field(repr=False, default_factory=lambda: secrets.token_bytes(32))

    @property
    def data(self) -> DataFolder:
        return DataFolder(self.knobs.data)

    @property
    def url(self) -> str:
        """That of the queue."""
        return self.environment[self.knobs.database_env or ""]

    @property
    def closing(self) -> Path:
        """A file whose presence says that the service is stopping."""
        return self.knobs.data / "serve.closing"

    def enter(self) -> None:
        """Gives the variables to this process, and to those that it starts."""
        os.environ.update(self.environment)


def setting_of(knobs: ServeKnobs) -> Setting:
    """The setting that the knobs describe; UserError where several machines cannot share it."""
    if knobs.uds:
        raise UserError(f"engine=ray listens on an address, not on the file uds={knobs.uds}; wanted port=")
    url = knobs.database_env and database_url(knobs.data, knobs.database_env)
    if not url or not url.startswith(_POSTGRESQL):
        raise UserError(
            "engine=ray needs a queue that several machines can share, and SQLite is a file of one machine; wanted "
            "database_env=VARIABLE, with postgresql+psycopg://USER:PASSWORD@HOST/NAME in that variable"
        )
    names = [name for name in (knobs.database_env, knobs.cache.password_env) if name]
    environment = {name: os.environ[name] for name in names if name in os.environ}
    own = replace(knobs, data=knobs.data.absolute(), log_dir=knobs.log_dir and knobs.log_dir.absolute())
    return Setting(own, environment)
