"""A walk over a composed configuration: each knob with its type, its limit and its value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from vistadream.config.build import construct
from vistadream.config.files import Schema
from vistadream.core import UserError
from vistadream.core.knobs import Limit, noted_limits

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
Limits = Mapping[tuple[type, str], Limit]
_MISSING = "???"
_STAND_IN = "x"
"""For a text or a path that has no default."""


@dataclass(frozen=True)
class Knob:
    """One knob as the files and the class that reads it describe it."""

    name: str
    hint: Any
    """The type of the field that it sets; None where no class reads it."""
    limit: Limit | None
    value: Any
    """The default, with references resolved; None where there is none."""
    is_part: bool
    """Whether the value is another part of the configuration, as in `depth: ${backends.depth}`, or may be one."""

    @property
    def is_path(self) -> bool:
        return Path in (self.hint, *get_args(self.hint))


@dataclass(frozen=True)
class _Entry:
    name: str
    owner: type | None
    field: str
    raw: Any
    value: Any


def limits_of(configs: Iterable[DictConfig]) -> Limits:
    """The limits that the classes of some configurations check their fields for.

    A part that reads a file, which is not there, is passed over with those that hold it.
    """
    with noted_limits() as limits:
        for config in configs:
            for name, node in _plain(config, resolve=True).items():
                with suppress(UserError):
                    _build(node, name)
    return limits


def knobs_of(config: DictConfig, limits: Limits) -> list[Knob]:
    """Every knob of a composed configuration; values may be missing."""
    entries = list(_entries(_plain(config, resolve=False), _plain(config, resolve=True), Schema))
    of_entry = {entry.name: limits.get((entry.owner, entry.field)) for entry in entries}
    for entry in entries:  # a knob such as `expansion` is limited by the class that takes `${expansion}`
        if found := _REFERENCE.fullmatch(str(entry.raw)):
            of_entry[found[1]] = of_entry.get(found[1]) or of_entry[entry.name]
    return [_knob(entry, of_entry[entry.name]) for entry in entries]


def _plain(config: DictConfig, resolve: bool) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=resolve)
    return plain


def _knob(entry: _Entry, limit: Limit | None) -> Knob:
    hint = get_type_hints(entry.owner).get(entry.field) if entry.owner else None
    value = None if entry.value == _MISSING else entry.value
    is_part = any(map(is_dataclass, (hint, *get_args(hint))))
    return Knob(entry.name, hint, limit, value, is_part or isinstance(entry.value, dict))


def _entries(raw: dict, plain: dict, owner: type | None, above: str = "") -> Iterator[_Entry]:
    for key, value in raw.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from _entries(value, plain[key], _class_of(value, name), f"{name}.")
        elif key != "_target_":
            yield _Entry(name, owner, key, value, plain[key])


def _class_of(node: dict, name: str) -> type | None:
    if name == "flight":
        from vistadream.exporters.flight import FlightKnobs

        return FlightKnobs
    return get_class(node["_target_"]) if "_target_" in node else None


def _build(node: Any, name: str) -> None:
    """Builds the parts below a node, so that their classes check their fields."""
    if not isinstance(node, dict):
        return
    if owner := _class_of(node, name):
        construct({**_with_stand_ins(node), "_target_": f"{owner.__module__}.{owner.__qualname__}"}, name)
    else:
        for key, below in node.items():
            _build(below, f"{name}.{key}")


def _with_stand_ins(node: Any) -> Any:
    """The values with some text in place of those that have no default."""
    if not isinstance(node, dict):
        return node
    hints = get_type_hints(get_class(node["_target_"])) if "_target_" in node else {}
    lacking = [key for key, value in node.items() if value == _MISSING or (value is None and hints.get(key) is str)]
    return {key: _STAND_IN if key in lacking else _with_stand_ins(value) for key, value in node.items()}
