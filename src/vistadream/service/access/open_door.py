"""What has to be there before the service listens: a key, where other machines can connect."""

from __future__ import annotations

import shlex

from vistadream.core import UserError
from vistadream.service.access.entry import ChecksTokens
from vistadream.service.access.keys import Keys
from vistadream.service.knobs import ServeKnobs
from vistadream.service.queue.database import Database


def tokens_of(knobs: ServeKnobs) -> ChecksTokens | None:
    """What checks tokens, where they are configured. UserError for a key that cannot be."""
    if knobs.jwt.key_file is None:
        return None
    from vistadream.service.access.tokens import Tokens

    return Tokens(knobs.jwt)


def refuse_open_door(knobs: ServeKnobs, url: str) -> None:
    """UserError where other machines could connect, and there is neither a key nor a key file of tokens."""
    if not knobs.is_exposed or knobs.jwt.key_file is not None or _has_key(knobs, url):
        return
    where = shlex.join([f"data={knobs.data}", *([f"database_env={knobs.database_env}"] if knobs.database_env else [])])
    raise UserError(
        f"host={knobs.host} can be reached by other machines, and there is no API key; wanted one first: "
        f"vistadream keys add name=NAME {where}"
    )


def _has_key(knobs: ServeKnobs, url: str) -> bool:
    if knobs.database_env is None and not (knobs.data / "queue.db").is_file():
        return False
    database = Database(url)
    try:
        return Keys(database).are_there()
    finally:
        database.close()
