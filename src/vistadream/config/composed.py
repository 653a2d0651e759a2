"""From words to one resolved configuration, with every `auto` backend replaced by a real one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from types import MappingProxyType, NoneType
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vistadream.backends.auto import Choice
from vistadream.backends.device import CHOICES as DEVICES
from vistadream.backends.machine import Machine, this_machine
from vistadream.backends.weights.policy import CHOICES as MEMORY_CHOICES
from vistadream.config.backends import choose, order
from vistadream.config.build import construct
from vistadream.config.earlier_words import today
from vistadream.config.exports import expand_exports, without_exporter
from vistadream.config.files import composed_files, groups
from vistadream.config.observers import expand_observers, without_observer
from vistadream.config.resolution import with_resolution
from vistadream.config.suggest import explain, hydra_is_lenient, keep_the_hard_rule, misspelt
from vistadream.config.trust import refuse_foreign_targets, refuse_resolvers
from vistadream.config.words import CAPTION, name_of
from vistadream.core import UserError

_REFERENCE = re.compile(r"\$\{([\w.]+)\}")


@dataclass(frozen=True)
class Composed:
    """A resolved configuration and the backends that `auto` chose."""

    config: DictConfig
    choices: dict[str, Choice]
    given: Mapping[str, object] = field(default_factory=dict)
    """Objects of a Python program that stand in the place of configured backends, by role."""
    job: str = "single_img"

    def yaml(self) -> str:
        """The configuration with every interpolation resolved, and the objects of a program described."""
        if not self.given:
            return OmegaConf.to_yaml(self.config, resolve=True)
        return OmegaConf.to_yaml(OmegaConf.create(described(self._whole())))

    def knobs(self) -> dict[str, Any]:
        """Every knob by its dotted name."""
        return _flat(described(self._whole()))

    @property
    def order(self) -> tuple[str, ...]:
        """All stages of the job, in the order in which they run."""
        return tuple(self.config.stages)

    def plan(self) -> tuple[str, ...]:
        """The stages that `stage=` runs; UserError for a value that is not the name of a plan."""
        plans, stage = self.plain("job.plans"), self.plain("stage")
        if stage not in plans:
            near = difflib.get_close_matches(stage, plans, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"stage={stage}: wanted one of {', '.join(plans)}{hint}")
        return tuple(plans[stage])

    def plain(self, path: str) -> Any:
        """A part of the configuration as plain Python values, and objects of a program where one was given."""
        node = OmegaConf.select(self.config, path, throw_on_missing=True)
        if not OmegaConf.is_config(node):
            return node
        return self._with_given(path, OmegaConf.to_container(node), OmegaConf.to_container(node, resolve=True))

    def _whole(self) -> dict[str, Any]:
        return {str(name): self.plain(str(name)) for name in self.config}

    def _with_given(self, path: str, unresolved: Any, resolved: Any) -> Any:
        """The resolved values with a given object wherever they are, or refer to, the backend of its role."""
        if unresolved == "${backends}":
            return self.plain("backends")
        for role, thing in self.given.items():
            if path == f"backends.{role}" or unresolved == f"${{backends.{role}}}":
                return thing
        if not isinstance(unresolved, dict):
            return resolved
        return {key: self._with_given(f"{path}.{key}", unresolved[key], resolved[key]) for key in resolved}

    def build(self, path: str) -> Any:
        """The object that a part of the configuration describes, or the given one; UserError names a wrong knob."""
        if path in (given := {f"backends.{role}": thing for role, thing in self.given.items()}):
            return given[path]
        return construct(self._section(path), path)

    def build_each(self, path: str) -> dict[str, Any]:
        """The objects of a section by their names. Errors name the section that a part refers to, as in `${rerun}`."""
        parts: Any = OmegaConf.to_container(OmegaConf.select(self.config, path))
        return {name: self.build(_referred(part) or f"{path}.{name}") for name, part in parts.items()}

    def make(self, path: str, target: type) -> Any:
        """An object of `target` from a part of the configuration that names no target itself."""
        return construct({**self._section(path), "_target_": f"{target.__module__}.{target.__qualname__}"}, path)

    def _section(self, path: str) -> dict[str, Any]:
        if not isinstance(node := self.plain(path), dict):
            raise UserError(f"{path}: got {node!r}; wanted its knobs, as in {path}.KNOB=VALUE: leave {path}= out")
        return node

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Knobs, the input aside, whose value is not the default: knob -> (value, default)."""
        mine = _flat(OmegaConf.to_container(self.config, resolve=False))
        default = _defaults(tuple(_choose_backends((), job=self.job)[0]), self.job)
        return {
            knob: (value, default.get(knob))
            for knob, value in mine.items()
            if knob not in ("image", "input") and not knob.endswith("._target_") and value != default.get(knob)
        }


def compose(words: Sequence[str], given: Mapping[str, object] | None = None, job: str = "single_img") -> Composed:
    """The configuration of one run of a job; UserError names the nearest knob when one is misspelt.

    `given`: objects of a Python program that stand in the place of configured backends, by role, such as "depth".
    """
    words, _ = with_resolution(expand_observers(expand_exports([today(word) for word in words])))
    if said := misspelt([word for word in words if hydra_is_lenient(word)], job):
        raise UserError(said)
    overrides, choices = _choose_backends(words, given or {}, job)
    try:
        config = composed_files(overrides, job=job)
        refuse_resolvers(OmegaConf.to_container(config))
        missing = OmegaConf.missing_keys(config)
        resolved = {} if missing else OmegaConf.to_container(config, resolve=True)
        refuse_foreign_targets(resolved)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise UserError(explain(error, words, job)) from error
    if missing:
        knob = min(missing, key=len)
        raise UserError(f"{knob} has no value; wanted one: add {knob}=...")
    keep_the_hard_rule(OmegaConf.to_container(config), resolved)
    _refuse_other_inputs(config, job)
    if config.memory not in MEMORY_CHOICES:
        raise UserError(f"memory={config.memory} is no choice; wanted one of {', '.join(MEMORY_CHOICES)}")
    if config.device not in DEVICES:
        raise UserError(f"device={config.device} is no choice; wanted one of {', '.join(DEVICES)}")
    if abs(config.seed) >= 2**62:
        raise UserError(f"seed={config.seed} is too large; wanted a whole number of up to 18 digits")
    if not config.checkpoint_seconds >= 0:
        raise UserError(f"checkpoint_seconds={config.checkpoint_seconds} is no time; wanted 0 or more seconds")
    return Composed(config, choices, given or {}, job)


@cache
def _defaults(backends: tuple[str, ...], job: str) -> Mapping[str, Any]:
    """Every knob of a job by its dotted name where only these words are given; composed once in a process."""
    return MappingProxyType(_flat(OmegaConf.to_container(composed_files(backends, job=job), resolve=False)))


def _refuse_other_inputs(config: DictConfig, job: str) -> None:
    """UserError where two inputs are given, or one that the job does not read."""
    given = {name: config[name] for name in ("image", "prompt", "input") if config[name] is not None}
    if job == "multi_img" and (odd := [name for name in given if name != "input"]):
        raise UserError(
            f"{odd[0]}={given[odd[0]]} is not read by multi-img; wanted input=PATH: one photo is the work of "
            "vistadream single-img"
        )
    of_several = [name for name in ("input", "max_views", "fps") if config[name] is not None]
    if job != "multi_img" and of_several:
        raise UserError(
            f"{of_several[0]}={config[of_several[0]]} is not read here; wanted image=FILE for one photo: several "
            "photos, a video or a posed dataset are the work of vistadream multi-img"
        )
    if len(given) > 1:
        words = " and ".join(f"{name}={value}" for name, value in given.items())
        raise UserError(f"{words} are both given; wanted one: set the other to null")


def described(value: Any) -> Any:
    """Plain values as they are; an object of a program by its class and what `repr` says of it."""
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, list | str | int | float | NoneType):
        return value
    return f"{type(value).__module__}.{type(value).__qualname__}: {value!r}"


def _choose_backends(
    words: Collection[str], given: Mapping[str, object] = MappingProxyType({}), job: str = "single_img"
) -> tuple[list[str], dict[str, Choice]]:
    """Overrides with every `auto` backend replaced by a real one, which is not needed where an object is given."""
    named = {name_of(word): word.partition("=")[2] for word in words}
    kept = [w for w in words if not (w.startswith("backends/") and w.endswith("=auto"))]
    accepts = named.get("accept_noncommercial", "").lower() == "true"
    from_words = named.get("prompt", "null") != "null"
    choices: dict[str, Choice] = {}
    machine = replace(this_machine(), cuda=False) if named.get("device") == "cpu" else None
    best: dict[str, Callable[[], Choice]] = {
        role: partial(choose, role, machine, accept_noncommercial=accepts) for role in ("depth", "outpaint", "render")
    }
    if "backends/splats" in named or "splats" in given:
        best["splats"] = partial(choose, "splats", machine)
    best["caption"] = lambda: choose("caption", machine, outpainter=choices["outpaint"].name)
    if from_words or named.get(CAPTION, "null") != "null":
        best["caption"] = lambda: Choice("fixed", "its words are given")
    if from_words:
        best["text_to_image"] = partial(_choose_text_to_image, machine)
        kept += [f"{CAPTION}=${{prompt}}"] * (CAPTION not in named)
    if job == "multi_img":
        best |= {role: partial(choose, role, machine) for role in ("poses", "multi_depth")}
        kept += _source("several", named.get("source"))
    else:
        kept += _source("prompt" if from_words else "image", named.get("source"))
    for role, choose_best in best.items():
        if role in given:
            choices[role] = Choice(type(given[role]).__name__, "an object of the program")
            kept.append(f"backends/{role}={order(role)[-1]}")  # in whose place the object is put
            continue
        asked = named.get(f"backends/{role}", "auto")
        choices[role] = choose_best() if asked == "auto" else Choice(asked, "as asked")
        if asked == "auto":
            kept.append(f"backends/{role}={choices[role].name}")
    return kept, choices


def _choose_text_to_image(machine: Machine | None) -> Choice:
    try:
        return choose("text_to_image", machine)
    except UserError as error:
        raise UserError(f"prompt=: {error}, or a picture of your own with image=") from error


def _source(name: str, asked: str | None) -> list[str]:
    """The word that chooses the source; none where `asked`, the value of source=, says the same."""
    if asked not in (None, name):
        raise UserError(
            f"source={asked} does not fit the other words; wanted source={name}: leave source= out, because prompt= "
            "and the command choose it"
        )
    return [f"source={name}"] if asked is None else []


def changed_words(before: Sequence[str], new: Sequence[str], job: str = "single_img") -> list[str]:
    """The words of before, of which the new ones replace those of their names with what belonged to these."""
    replaced = {*map(name_of, new)}
    kept = [word for word in before if name_of(word) not in replaced]
    gone = of_the_replaced(kept, new, job)
    return [*[word for word in kept if word not in gone], *new]


def of_the_replaced(saved: Sequence[str], words: Sequence[str], job: str = "single_img") -> list[str]:
    """Saved words about what the new words replace or take away.

    These are knobs of a source, backend or camera path that gives way to another one, and of results that are no longer
    on the list.
    """
    unlisted = [*without_exporter(saved, words), *without_observer(saved, words)]
    new = [word for word in words if name_of(word) in (*groups(), "prompt")]
    if not new:
        return unlisted
    before, after = _options(saved, job), _options([*saved, *new], job)
    gone = tuple(f"{group.replace('/', '.')}." for group in after if before.get(group) != after[group])
    return [word for word in saved if name_of(word).startswith(gone) or word in unlisted]


def _options(words: Sequence[str], job: str) -> dict[str, str]:
    """The option of each configuration group; none where a word names no option, which `compose` will explain."""
    chosen, _ = _choose_backends({name_of(w): w for w in words}.values(), job=job)
    last = {name_of(word): word for word in chosen}
    named = [word.lstrip("+") for name, word in last.items() if name in groups()]
    if misspelt(named):
        return {}
    try:
        return dict(composed_files(named, with_hydra=True, job=job).hydra.runtime.choices)
    except (HydraException, OmegaConfBaseException):
        return {}


def _referred(part: Any) -> str | None:
    """The knob or section that a reference such as `${rerun}` names; None for anything else."""
    found = _REFERENCE.fullmatch(part) if isinstance(part, str) else None
    return found[1] if found else None


def _flat(values: Any, above: str = "") -> dict[str, Any]:
    """Nested dicts as one: {"a": {"b": 1}} -> {"a.b": 1}."""
    if not isinstance(values, dict):
        return {above.rstrip("."): values}
    return {knob: leaf for key, value in values.items() for knob, leaf in _flat(value, f"{above}{key}.").items()}
