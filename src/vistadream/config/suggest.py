"""What is wrong with a word, in one sentence that names the nearest right one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from vistadream.config.exports import export_names
from vistadream.config.files import Schema, composed_files, conf_folder, groups
from vistadream.config.surface_rule import flattening_knob
from vistadream.config.words import name_of, parse
from vistadream.core import UserError

OF_SEVERAL = ("backends/poses", "backends/multi_depth")
"""Groups that the job of several photos reads alone."""
OF_ONE = ("backends/splats",)
"""Groups that the jobs of one photo read alone."""


def misspelt(words: Sequence[str], job: str = "single_img") -> str | None:
    """One sentence on the first word that names no knob or no choice, with the nearest right one."""
    options = groups()
    for word in words:
        knob, equals, value = word.partition("=")
        knob = knob.lstrip("+~")
        if not equals:
            return f"cannot read {word!r}; wanted knob=value, or a flag: see --help"
        override = parse(word)
        if override.is_sweep_override():
            return f"{word} gives several values; wanted one, or --multirun to run each"
        keep_the_hard_rule({knob: override.value()})
        if knob == "stages" and not _are_files_of_stages(override.value()):
            return f"{word} is no choice; wanted the knobs of a stage, as in stages.coarse.steps=40"
        if knob in OF_SEVERAL and job != "multi_img":
            return f"{word} is read by vistadream multi-img alone, as one photo has no poses to find: leave it out"
        if knob in OF_ONE and job == "multi_img":
            return f"{word} is read by vistadream single-img alone: leave it out"
        if knob in options:
            if override.value() not in options[knob] and not (knob == "recipe" and value == "null"):
                wanted = ", ".join(options[knob])
                return f"{knob}={value} is no choice; wanted one of {wanted}{near(value, options[knob])}"
        elif knob not in ("stages", "export", "observers", *_known(job)) and not knob.startswith("backends."):
            return f"{knob or repr(word)} is not a knob; see --help for all{near(knob, [*_known(job), *options])}"
    return None


def hydra_is_lenient(word: str) -> bool:
    """Whether Hydra may pass over a wrong word: a plus makes any knob new, and a recipe need not be there.

    What a plus adds to a stage or backend reaches its class, which knows its fields. What is not below a top-level knob
    would reach Hydra itself, which can import packages; an option of a group may be a path to any YAML file.
    """
    name = name_of(word)
    new = word.startswith("+") and not name.startswith(("stages.", "backends."))
    top = re.split(r"[./]", name.lstrip("~"))[0]
    return new or top not in Schema.__annotations__ or "@" in name or name in (*groups(), "stages", "job")


def explain(error: Exception, words: Sequence[str], job: str) -> str:
    """One sentence for a failed composition."""
    if said := misspelt(words, job):
        return said
    lines = [line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip()]
    knob = next((line.split(":")[1].strip() for line in lines if line.startswith("full_key")), "")
    return f"{knob + ': ' if knob else ''}{lines[0]}; wanted a value of the right type: see --help"


def keep_the_hard_rule(*configs: Any) -> None:
    """UserError when a knob would flatten Gaussians; the first configuration that has one names it."""
    if knob := next(filter(None, map(flattening_knob, configs)), None):
        raise UserError(
            f"{knob} names a loss, weight or regulariser of thinness, thickness or flatness; wanted none: a continuous "
            "surface is not a thin sheet, so VistaDream never pulls Gaussians flat. Surfaces are held together by "
            "the depth and normals of stages.refine.surface"
        )


def _are_files_of_stages(value: Any) -> bool:
    known = [file.stem for file in (conf_folder() / "stages").glob("*.yaml")]
    return isinstance(value, list) and all(name in known for name in value)


@cache
def _known(job: str) -> tuple[str, ...]:
    """Every knob of a job from a picture with the embedded backends and all results."""
    return tuple(_knobs(composed_files([f"export=[{','.join(export_names())}]"], job=job)))


def _knobs(config: Any, prefix: str = "") -> Iterator[str]:
    for key in config:
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(config._get_node(key)):
            yield from _knobs(config[key], f"{prefix}{key}.")
        elif key != "_target_":
            yield f"{prefix}{key}"


def near(word: str, known: Sequence[str]) -> str:
    """The end of a sentence that asks for the word of `known` that is most like `word`; "" where none is."""
    last = {k.rpartition(".")[2]: k for k in reversed(known)}
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6) or [
        last[m] for m in difflib.get_close_matches(word.rpartition(".")[2], last, n=1, cutoff=0.75)
    ]
    return f"; did you mean {near[0]}?" if near else ""
