"""A configuration of its own that is no run, such as conf/serve.yaml: one file, one dataclass, words that change it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, TypeVar

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
    values = {**_composed(name, target, words), "_target_": f"{target.__module__}.{target.__qualname__}"}
    try:
        return construct(values, name)
    except UserError as error:
        plain = str(error).removeprefix(f"{name}: ").removeprefix(f"{target.__name__}.").removeprefix(f"{name}.")
        raise UserError(plain) from error


def own_yaml(name: str, target: type, words: Sequence[str]) -> str:
    """The configuration with these words as YAML, for --cfg."""
    return OmegaConf.to_yaml(OmegaConf.create(_composed(name, target, words)))


def own_reference(name: str) -> str:
    """The knobs with their defaults and remarks, for --help."""
    return (conf_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[2]


def _composed(name: str, target: type, words: Sequence[str]) -> dict[str, Any]:
    known: list[str] = list(map(str, OmegaConf.load(conf_folder() / f"{name}.yaml")))
    words = [_checked(word, known, path_fields(target)) for word in words]
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
