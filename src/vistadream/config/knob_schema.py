"""Every knob that may be set from outside, as JSON Schema made from conf/ and from the classes that read the knobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from omegaconf import DictConfig

from vistadream.config.exports import default_exports, export_names
from vistadream.config.files import composed_files, groups, plans
from vistadream.config.kept import kept
from vistadream.config.knob_types import schema_of
from vistadream.config.knob_walk import Knob, knobs_of, limits_of
from vistadream.config.outside_rules import ACCEPTANCE, OF_A_PART, OF_A_PATH, REFUSED_CHOICES, largest_value, refusal
from vistadream.config.reference import sources_of
from vistadream.config.remarks import remark_of
from vistadream.config.suggest import OF_ONE, OF_SEVERAL
from vistadream.exporters.file_names import GAUSSIAN_FORMATS

_NAMES_OF = {"flight.trajectory": "trajectory"}
"""Knobs that name an option of a group."""
_DESCRIBING = ("default", "description")


@dataclass(frozen=True)
class OutsideKnobs:
    """What a request from outside may set, and what not."""

    schema: Mapping[str, dict[str, Any]]
    """The JSON Schema of each knob by its dotted name."""
    refused: Mapping[str, str]
    """The other knobs, each with the reason as the end of a sentence."""
    allowable: Mapping[str, dict[str, Any]]
    """The JSON Schema of those among them that whoever runs the server may allow."""

    def opened(self) -> OutsideKnobs:
        """The same where they are allowed."""
        refused = {name: why for name, why in self.refused.items() if name not in self.allowable}
        return OutsideKnobs({**self.schema, **self.allowable}, refused, {})


def knob_schema(job: str = "single_img", noncommercial: bool = False) -> dict[str, Any]:
    """The JSON Schema of an object with knobs of a job by their dotted names, as `outside_words` takes it.

    `x-with` lists the choices, such as backends/depth=moge, with which a knob is read; without it, it always is.
    `x-stages` has the stages that each value of `stage` runs, in their order. For `noncommercial` see `outside_knobs`.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Knobs of vistadream {job.replace('_', '-')}",
        "type": "object",
        "additionalProperties": False,
        "properties": dict(outside_knobs(job, noncommercial).schema),
    }


@cache
def outside_knobs(job: str, noncommercial: bool = False) -> OutsideKnobs:
    """Every knob of a job, those of all options included. The first call of a version of the program takes seconds.

    `noncommercial`: requests may accept licenses that forbid commercial use.
    """
    known = OutsideKnobs(**kept(f"outside_knobs.{job}", lambda: asdict(derived_knobs(job))))
    return known.opened() if noncommercial else known


def derived_knobs(job: str) -> OutsideKnobs:
    """The same, derived now."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    refused: dict[str, str] = {}
    allowable: dict[str, dict[str, Any]] = {}
    configs = list(configurations(job))
    limits = limits_of(config for config, _ in configs)
    for config, options in configs:
        for knob in knobs_of(config, limits):
            choice = _choice(knob.name, options)
            if why := _refusal(knob, choice, job):
                refused[knob.name] = why
                if knob.name == ACCEPTANCE:
                    allowable[knob.name] = _schema(knob, choice, job)
            else:
                found.setdefault(knob.name, {})[choice] = _schema(knob, choice, job)
    schema = _choices(job) | {name: _merged(by_choice, job) for name, by_choice in found.items()}
    return OutsideKnobs(schema, {name: why for name, why in refused.items() if name not in schema}, allowable)


def configurations(job: str) -> Iterator[tuple[DictConfig, dict[str, str]]]:
    """Configurations in which every option of every group occurs, with the options of each by group."""
    offered = _groups(job) | {"source": sources_of(job)}
    offered.pop("recipe")
    for k in range(max(map(len, offered.values()))):
        chosen = {group: options[k % len(options)] for group, options in offered.items()}
        words = [f"{group}={option}" for group, option in chosen.items()]
        yield composed_files([*words, f"export=[{','.join(export_names())}]"], job=job), chosen


def _groups(job: str) -> dict[str, list[str]]:
    """The groups that a job reads, with their options, without `auto`."""
    return {
        group: [option for option in options if option != "auto"]
        for group, options in groups().items()
        if group not in ("source", *(OF_ONE if job == "multi_img" else OF_SEVERAL))
    }


def _choice(name: str, options: Mapping[str, str]) -> str:
    """The choice that a knob belongs to, such as "backends/depth=moge"; "" for one that every run reads."""
    if name.startswith("export."):
        return f"export=[{name.split('.')[1]}]"
    group = next((group for group in options if name.startswith(f"{group.replace('/', '.')}.")), None)
    return f"{group}={options[group]}" if group else ""


def _refusal(knob: Knob, choice: str, job: str) -> str | None:
    group, _, option = choice.partition("=")
    if why := refusal(knob.name, job):
        return why
    if knob.is_path or knob.is_part:
        return OF_A_PATH if knob.is_path else OF_A_PART
    why = REFUSED_CHOICES.get(group, {}).get(option)
    return f"is a knob of {choice}, which {why}" if why else None


def _schema(knob: Knob, choice: str, job: str) -> dict[str, Any]:
    if knob.name == "stage":
        about: dict[str, Any] = {"enum": list(plans(job)), "x-stages": plans(job)}
    elif group := _NAMES_OF.get(knob.name):
        about = {"enum": [*_offered(group, job), None]}
    else:
        about = schema_of(knob.hint, knob.limit, largest_value(knob.name))
    remark = remark_of(knob.name, choice.replace("=", "/") if "/" in choice or "trajectory" in choice else None, job)
    return about | {"default": knob.value} | ({"description": remark} if remark else {})


def _merged(by_choice: Mapping[str, dict[str, Any]], job: str) -> dict[str, Any]:
    """The schema of a knob that several options may have, each with its own default and limits."""
    schemas = list(by_choice.values())
    kinds = [{key: value for key, value in schema.items() if key not in _DESCRIBING} for schema in schemas]
    merged = kinds[0] if all(kind == kinds[0] for kind in kinds) else {"anyOf": kinds}
    same = {key: schemas[0][key] for key in _DESCRIBING if key in schemas[0] and _agree(schemas, key)}
    choices = [choice for choice in by_choice if choice and not choice.startswith("source=")]
    always = choices and len(choices) == len(_offered(choices[0].partition("=")[0], job))
    return merged | same | ({"x-with": choices} if choices and not always else {})


def _agree(schemas: list[dict[str, Any]], key: str) -> bool:
    return all(schema.get(key) == schemas[0][key] for schema in schemas)


def _offered(group: str, job: str) -> list[str]:
    return [option for option in _groups(job).get(group, ()) if option not in REFUSED_CHOICES.get(group, {})]


def _choices(job: str) -> dict[str, dict[str, Any]]:
    """The groups as knobs, and the list of results."""
    defaults = composed_files(with_hydra=True, job=job).hydra.runtime.choices
    found: dict[str, dict[str, Any]] = {}
    for group in _groups(job):
        extra = ["auto"] if group.startswith("backends/") else [None] if group == "recipe" else []
        default = extra[0] if extra else defaults[group]
        found[group] = {"enum": [*extra, *_offered(group, job)], "default": default}
    results = {"enum": sorted({*export_names(), *GAUSSIAN_FORMATS})}
    found["export"] = {"type": "array", "maxItems": len(results["enum"]), "uniqueItems": True, "items": results}
    found["export"]["default"] = list(default_exports())
    return found
