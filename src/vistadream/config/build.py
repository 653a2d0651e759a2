"""From plain values to built stages and backends."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from beartype import BeartypeConf
from beartype.door import is_bearable
from hydra.utils import get_class
from omegaconf import OmegaConf

from vistadream.config.files import composed_files
from vistadream.core import UserError
from vistadream.core.knobs import allowed_words, one_of, path_fields

_PLAIN_TYPES = (str, int, float, list, type(None))
_TOWER = BeartypeConf(is_pep484_tower=True)
"""An int is good where a float is wanted (PEP 484)."""


def construct(node: Any, path: str) -> Any:
    """The object that plain values describe: `_target_` called with the rest, each checked against its type."""
    if not isinstance(node, dict):
        return node
    values = {key: construct(value, f"{path}.{key}") for key, value in node.items() if key != "_target_"}
    if "_target_" not in node:
        return values
    target = get_class(node["_target_"])
    values |= {key: _path(value) for key, value in values.items() if key in path_fields(target)}
    hints = get_type_hints(target)
    for key, value in values.items():
        if isinstance(value, _PLAIN_TYPES) and not is_bearable(value, hints.get(key, Any), conf=_TOWER):
            raise UserError(f"{path}.{key}: got {value!r}; wanted {_wanted(hints[key])}")
    try:
        return target(**values)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: {error}") from error


def _path(value: Any) -> Any:
    return Path(os.path.expanduser(value)) if isinstance(value, str) else value


def _wanted(hint: Any) -> str:
    """A type in words."""
    if words := allowed_words(hint):
        return one_of(words)
    name = hint.__name__ if isinstance(hint, type) else str(hint)
    return name.replace("collections.abc.", "").replace("None", "null")


def configured(choice: str, **knobs: Any) -> Any:
    """The object of one choice of conf/ with the values of its file, except for `knobs`.

    For Python code that needs one part and no run: `configured("backends/render=cpu", threads=2)`.
    """
    return replace(_as_in_conf(choice), **knobs)


@cache
def _as_in_conf(choice: str) -> Any:
    path = choice.partition("=")[0].replace("/", ".")
    node = OmegaConf.select(composed_files([choice]), path)
    return construct(OmegaConf.to_container(node, resolve=True, throw_on_missing=True), path)
