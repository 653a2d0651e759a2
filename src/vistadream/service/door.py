"""How people come in: the socket that is bound, a key of the one user if there is one, and what is printed."""

from __future__ import annotations

from pathlib import Path

from vistadream.service.access.local_key import LocalKey
from vistadream.service.address import Listener, listen
from vistadream.service.knobs import ServeKnobs


class Door:
    """That of `vistadream serve`: the port of its knob, and no key but those in the database."""

    has_key = False
    """Whether `local_key` makes one."""

    def listen(self, knobs: ServeKnobs) -> Listener:
        """Binds the socket; UserError where it cannot be."""
        return listen(knobs)

    def local_key(self, data: Path) -> LocalKey | None:
        """The key of the one user whom the service is for."""
        return None

    def opened(self, listener: Listener, needs_key: bool) -> list[str]:
        """The lines to print once the service answers."""
        return listener.remarks(needs_key)
