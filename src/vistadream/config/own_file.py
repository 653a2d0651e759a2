"""A configuration of its own that is no run, such as conf/serve.yaml: one file, one dataclass, words that change it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vistadream.config.build import construct
from vistadream.config.files import composed_files, conf_folder
from vistadream.config.trust import refuse_resolvers
from vistadream.config.words import parse, quoted
from vistadream.core import UserError
from vistadream.core.knobs import path_fields

T = TypeVar("T")


def own_knobs(name: str, target: type[T], words: Sequence[str]) -> T:
    """The dataclass `target` from conf/NAME.yaml and words such as "port=8001"; UserError names the knob."""
    try:
        return construct(_with_targets(_composed(name, target, words), target), name)
    except UserError as error:
        plain = str(error).removeprefix(f"{name}: ").removeprefix(f"{target.__name__}.").removeprefix(f"{name}.")
        for key, kind in _groups(target).items():
            plain = plain.replace(f"{key}: {kind.__name__}.", f"{key}.", 1)
        raise UserError(plain) from error


def own_yaml(name: str, target: type, words: Sequence[str]) -> str:
    """The configuration with these words as YAML, for --cfg, which may be one of them."""
    knobs = [word for word in words if word != "--cfg"]
    return OmegaConf.to_yaml(OmegaConf.create(_composed(name, target, knobs)))


def own_reference(name: str) -> str:
    """The knobs with their defaults and remarks, for --help."""
    return (conf_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[2]


def _with_targets(values: dict[str, Any], target: type) -> dict[str, Any]:
    """The values with the dataclass that each group of knobs becomes."""
    groups = {key: _with_targets(values[key], kind) for key, kind in _groups(target).items()}
    return {**values, **groups, "_target_": f"{target.__module__}.{target.__qualname__}"}


def _groups(target: type) -> dict[str, type]:
    """The fields of a dataclass that are dataclasses themselves, such as `cache` with the knob cache.max_gb."""
    return {key: hint for key, hint in get_type_hints(target).items() if is_dataclass(hint) and isinstance(hint, type)}


def _paths(target: type) -> frozenset[str]:
    """The knobs that are paths, those of groups by their whole names."""
    inner = {f"{key}.{path}" for key, kind in _groups(target).items() for path in _paths(kind)}
    return path_fields(target) | inner


def own_names(target: type) -> list[str]:
    """The names of all knobs, those of groups as GROUP.KNOB."""
    groups = _groups(target)
    inner = [f"{key}.{name}" for key, kind in groups.items() for name in own_names(kind)]
    return [each.name for each in fields(target) if each.name not in groups] + inner


def _composed(name: str, target: type, words: Sequence[str]) -> dict[str, Any]:
    words = [_checked(word, own_names(target), _paths(target)) for word in words]
    try:
        config = composed_files(words, job=name)
        refuse_resolvers(OmegaConf.to_container(config))
        values: Any = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise UserError(f"{str(error).splitlines()[0]}; wanted a value of the right type: see --help") from error
    return values


def _checked(word: str, known: Sequence[str], paths: frozenset[str]) -> str:
    """The word with its path quoted; UserError when it names no knob."""
    knob, equals, value = word.partition("=")
    if not equals:
        raise UserError(f"cannot read {word!r}; wanted knob=value, or a flag: see --help")
    if knob not in known:
        near = difflib.get_close_matches(knob, known, n=1)
        raise UserError(f"{knob} is not a knob; see --help for all{f'; did you mean {near[0]}?' if near else ''}")
    if knob in paths and value != "null":
        return f"{knob}={quoted(value)}"
    if parse(word).is_sweep_override():
        raise UserError(f"{word} gives several values; wanted one")
    return word
