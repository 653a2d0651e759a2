"""The command `vistadream keys`: makes, lists and revokes the API keys of a service."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from vistadream.commands.guard import Act
from vistadream.config.own_file import own_knobs, own_reference, own_yaml
from vistadream.core import UserError

HELP = """\
usage: vistadream keys add name=NAME [KNOB=VALUE ...]
       vistadream keys list [data=DIR]
       vistadream keys revoke id=ID [data=DIR]

Makes, lists and revokes the API keys of a service (vistadream serve), also while it runs. A key is printed once, when
it is made: what is kept is its SHA-256. As soon as there is a key, the service answers to requests with one alone.

flags:
  -h, --help       this text, and every knob with its default
  --cfg            print the configuration and stop
  -v, --verbose    show the traceback of an error

examples:
  vistadream keys add name=laptop
  vistadream keys add name=gallery owner=alice 'scopes=[jobs:read]' expires_days=90 data=/srv/scenes
  vistadream keys revoke id=4k2m9p7q1r5t

knobs, with their defaults:
"""
_ACTIONS = ("add", "list", "revoke")


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if not words or {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(f"{HELP}\n{own_reference('keys')}")
    action, *rest = words
    if action not in _ACTIONS:
        raise UserError(f"keys {action} is not possible; wanted keys {', keys '.join(_ACTIONS)}: see --help")
    try:
        from vistadream.service.access.key_knobs import KeyKnobs
    except ModuleNotFoundError as error:
        raise UserError(
            f"the package {error.name} is not installed; wanted those of the service: pip install 'vistadream[serve]'"
        ) from error
    if "--cfg" in rest:
        return lambda: sys.stdout.write(own_yaml("keys", KeyKnobs, rest))
    return partial({"add": _add, "list": _list, "revoke": _revoke}[action], own_knobs("keys", KeyKnobs, rest))


def _add(knobs: Any) -> None:
    if knobs.name is None:
        raise UserError("there is no name; wanted one that says who uses the key: vistadream keys add name=laptop")
    with knobs.opened() as keys:
        new = keys.add(knobs.name, knobs.owner, knobs.scopes, knobs.expires_days)
    sys.stderr.write(f"the key {new.row.id} of {new.row.owner!r}, which is shown this once:\n")
    sys.stdout.write(f"{new.text}\n")


def _list(knobs: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "name", "owner", "scopes", "state", "expires", "last use", box=None)
    with knobs.opened() as keys:
        for row in keys.listed():
            times = (_day(row.expires_s), _day(row.used_s))
            table.add_row(row.id, row.name, row.owner, " ".join(row.scopes), row.state, *times)
    Console(markup=False, highlight=False).print(table)


def _revoke(knobs: Any) -> None:
    if knobs.id is None:
        raise UserError("there is no id; wanted one of vistadream keys list: vistadream keys revoke id=ID")
    with knobs.opened() as keys:
        if not keys.revoke(knobs.id):
            raise UserError(f"id={knobs.id} is not a key that opens anything; wanted an id of vistadream keys list")
        left = keys.are_there()
    sys.stdout.write(f"{knobs.id} is revoked\n")
    if not left:
        sys.stdout.write("no key is left: a service on 127.0.0.1 answers to every user of the machine again\n")


def _day(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
