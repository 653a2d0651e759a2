"""From the words on the command line to built stages. The only file that knows Hydra and OmegaConf."""

from __future__ import annotations

import difflib
import itertools
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from beartype import BeartypeConf
from beartype.door import is_bearable
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.utils import get_class
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vistadream.backends.auto import ROLES, Choice, choose, choose_imaginer
from vistadream.backends.weights.policy import CHOICES as MEMORY_CHOICES
from vistadream.core import UserError
from vistadream.ops.surface_rule import flattening_knob

_MODEL_PATHS = ("backends.depth.path", "backends.outpaint.path", "backends.outpaint.text_path")
INPUT_KNOBS = ("image", *_MODEL_PATHS, "trajectory.path")
"""Knobs that name a file or a folder to read."""
PATH_KNOBS = (*INPUT_KNOBS, "resume", "out")
"""Knobs whose value is a path and is taken to the letter."""
_CAPTION = "backends.caption.text"
TEXT_KNOBS = ("prompt", _CAPTION)
"""Knobs whose value is a sentence and is taken to the letter."""
_FROM_WORDS = "stages=[imagine,outpaint,initialize,coarse,refine]"
"""Where the picture is made from words, Imagine stands in for Load."""
_PLAIN_TYPES = (str, int, float, list, type(None))
_TOWER = BeartypeConf(is_pep484_tower=True)
"""An int is good where a float is wanted (PEP 484)."""


@dataclass
class Schema:
    """Types of the top-level knobs; their defaults are in conf/single_img.yaml."""

    image: str | None = None
    prompt: str | None = None
    stage: str = MISSING
    seed: int = MISSING
    expansion: float = MISSING
    max_resolution: int = MISSING
    out: str = MISSING
    memory: str = MISSING
    accept_noncommercial: bool = MISSING
    checkpoint_seconds: float = MISSING
    resume: str | None = None
    camera: Any = MISSING
    rerun: Any = MISSING
    export: Any = MISSING
    stages: Any = MISSING
    backends: Any = MISSING
    trajectory: Any = MISSING


def conf_folder() -> Path:
    """conf/ of a checkout, else the one inside the installed package."""
    checkout = Path(__file__).parents[2] / "conf"
    packaged = Path(str(resources.files("vistadream"))) / "conf"
    return checkout if (checkout / "single_img.yaml").exists() else packaged


def quote_paths(words: Sequence[str], many: bool = False) -> list[str]:
    """Overrides with their path and text knobs quoted for Hydra's grammar, so that any file name works as it is.

    `many`: a value that names no file is a list of paths at its commas (for --multirun). `+image=x` means `image=x`.
    """
    quoted = []
    for word in words:
        knob, equals, value = word.partition("=")
        knob = knob.lstrip("+")
        if knob not in (*PATH_KNOBS, *TEXT_KNOBS) or not equals or value == "null" or value[:1] in "'\"":
            quoted.append(word)
            continue
        listed = many and knob in PATH_KNOBS and not os.path.exists(os.path.expanduser(value))
        parts = value.split(",") if listed else [value]
        quoted.append(f"{knob}={','.join(_quote(part) for part in parts)}")
    return quoted


def unquoted(word: str) -> str:
    """The value of a word to the letter: as it stands, or what Hydra's quotes around it hold."""
    value = word.partition("=")[2]
    return str(_parse(word).value()).replace("\\${", "${") if value[:1] in ("'", '"') else value


def _quote(text: str) -> str:
    """In Hydra's single quotes, where a backslash counts only before a quote; interpolations are escaped."""
    text = re.sub(r"(\\*)'", r"\1\1\\'", text)
    text = re.sub(r"(\\+)$", r"\1\1", text)
    return "'" + text.replace("${", "\\${") + "'"


def expand(words: Sequence[str]) -> Iterator[list[str]]:
    """Every combination of the comma-separated values (and sweeps) of a --multirun."""
    choices = []
    for word in words:
        override = _parse(word)
        if override.is_sweep_override():
            choices.append([f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()])
        else:
            choices.append([word])
    return (list(combination) for combination in itertools.product(*choices))


def _parse(word: str) -> Any:
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException as error:
        raise UserError(
            f"cannot read {word!r}; wanted knob=value: put a value with special characters in quotes, as in "
            "'prompt=\"a, b\"'"
        ) from error


@dataclass(frozen=True)
class Composed:
    """A resolved configuration and the backends that `auto` chose."""

    config: DictConfig
    choices: dict[str, Choice]

    def yaml(self) -> str:
        """The configuration with every interpolation resolved."""
        return OmegaConf.to_yaml(self.config, resolve=True)

    def knobs(self) -> dict[str, Any]:
        """Every knob by its dotted name."""
        return _flat(OmegaConf.to_container(self.config, resolve=True))

    def plain(self, path: str) -> Any:
        """A part of the configuration as plain Python values."""
        node = OmegaConf.select(self.config, path, throw_on_missing=True)
        return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node

    def build(self, path: str) -> Any:
        """The object that a part of the configuration describes; UserError names the knob that is off."""
        return _construct(self._section(path), path)

    def make(self, path: str, target: type) -> Any:
        """An object of `target` from a part of the configuration that names no target itself."""
        return _construct({"_target_": f"{target.__module__}.{target.__qualname__}", **self._section(path)}, path)

    def _section(self, path: str) -> dict[str, Any]:
        if not isinstance(node := self.plain(path), dict):
            raise UserError(f"{path}: got {node!r}; wanted its knobs, as in {path}.KNOB=VALUE: leave {path}= out")
        return node

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Knobs, the picture aside, whose value is not the default: knob -> (value, default)."""
        mine, default = (_flat(OmegaConf.to_container(c, resolve=False)) for c in (self.config, compose([]).config))
        return {
            knob: (value, default.get(knob))
            for knob, value in mine.items()
            if knob != "image" and value != default.get(knob)
        }


def compose(words: Sequence[str]) -> Composed:
    """The configuration of one run; UserError names the nearest knob when one is misspelt."""
    if said := _misspelt([word for word in words if _hydra_is_lenient(word)]):
        raise UserError(said)
    overrides, choices = _choose_backends(words)
    ConfigStore.instance().store("schema", Schema)
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            config = hydra_compose("single_img", overrides)
        missing = OmegaConf.missing_keys(config)
        resolved = {} if missing else OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise UserError(_explain(error, words)) from error
    if missing:
        knob = min(missing, key=len)
        raise UserError(f"{knob} has no value; wanted one: add {knob}=...")
    _keep_the_hard_rule(OmegaConf.to_container(config), resolved)
    if config.image is not None and config.prompt is not None:
        raise UserError(
            f"image={config.image} and prompt={config.prompt} are both given; wanted one: set the other to null"
        )
    if config.memory not in MEMORY_CHOICES:
        raise UserError(f"memory={config.memory} is no choice; wanted one of {', '.join(MEMORY_CHOICES)}")
    if abs(config.seed) >= 2**62:
        raise UserError(f"seed={config.seed} is too large; wanted a whole number of up to 18 digits")
    if not config.checkpoint_seconds >= 0:
        raise UserError(f"checkpoint_seconds={config.checkpoint_seconds} is no time; wanted 0 or more seconds")
    return Composed(config, choices)


def _keep_the_hard_rule(*configs: Any) -> None:
    """UserError when a knob would flatten Gaussians; the first configuration that has one names it."""
    if knob := next(filter(None, map(flattening_knob, configs)), None):
        raise UserError(
            f"{knob} names a loss, weight or regulariser of thinness, thickness or flatness; wanted none: a continuous "
            "surface is not a thin sheet, so VistaDream never pulls Gaussians flat. Surfaces are held together by "
            "the depth and normals of stages.refine.surface"
        )


def _choose_backends(words: Collection[str]) -> tuple[list[str], dict[str, Choice]]:
    """Overrides with every `auto` backend replaced by a real one."""
    named = {name_of(word): word.partition("=")[2] for word in words}
    kept = [w for w in words if not (w.startswith("backends/") and w.endswith("=auto"))]
    accepts = named.get("accept_noncommercial", "").lower() == "true"
    from_words = named.get("prompt", "null") != "null"
    choices: dict[str, Choice] = {}
    best: dict[str, Callable[[], Choice]] = {
        role: partial(choose, role, accept_noncommercial=accepts) for role in ROLES
    }
    best["caption"] = lambda: choose("caption", outpainter=choices["outpaint"].name)
    if from_words or named.get(_CAPTION, "null") != "null":
        best["caption"] = lambda: Choice("fixed", "its words are given")
    if from_words:
        best["imagine"] = choose_imaginer
        kept += [_FROM_WORDS] + [f"{_CAPTION}=${{prompt}}"] * (_CAPTION not in named)
    for role, choose_best in best.items():
        asked = named.get(f"backends/{role}", "auto")
        choices[role] = choose_best() if asked == "auto" else Choice(asked, "as asked")
        if asked == "auto":
            kept.append(f"backends/{role}={choices[role].name}")
    return kept, choices


def of_the_replaced(saved: Sequence[str], words: Sequence[str]) -> list[str]:
    """Saved words that are knobs of a backend or camera path in whose place the new words put another."""
    new = [word for word in words if name_of(word) in groups()]
    if not new:
        return []
    before, after = _options(saved), _options([*saved, *new])
    gone = tuple(f"{group.replace('/', '.')}." for group in after if before.get(group) != after[group])
    return [word for word in saved if name_of(word).startswith(gone)]


def _options(words: Sequence[str]) -> dict[str, str]:
    """The option of each configuration group; none where a word names no option, which `compose` will explain."""
    last = {name_of(word): word for word in _choose_backends({name_of(w): w for w in words}.values())[0]}
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            named = [word.lstrip("+") for name, word in last.items() if name in groups()]
            return dict(hydra_compose("single_img", named, return_hydra_config=True).hydra.runtime.choices)
    except (HydraException, OmegaConfBaseException):
        return {}


def name_of(word: str) -> str:
    """The knob or group that a word is about."""
    return word.partition("=")[0].lstrip("+")


def _knobs(config: Any, prefix: str = "") -> Iterator[str]:
    for key in config:
        if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(config._get_node(key)):
            yield from _knobs(config[key], f"{prefix}{key}.")
        elif key != "_target_":
            yield f"{prefix}{key}"


def groups() -> dict[str, list[str]]:
    """Every configuration group with its options."""
    root = conf_folder()
    found: dict[str, list[str]] = {}
    for file in sorted(root.rglob("*.yaml")):
        group = file.parent.relative_to(root).as_posix()
        if group not in (".", "stages"):
            found.setdefault(group, []).append(file.stem)
    return {g: ["auto", *o] if g.startswith("backends/") else o for g, o in found.items()}


def reference() -> str:
    """Every knob with its default and remark, and every choice, for --help."""
    text = (conf_folder() / "single_img.yaml").read_text(encoding="utf-8")
    knobs = text[text.index("image:") :]
    choices = "".join(f"  {group}={'|'.join(options)}\n" for group, options in groups().items())
    stages = "".join(
        f"\n{file.read_text(encoding='utf-8')}" for file in sorted((conf_folder() / "stages").glob("*.yaml"))
    )
    stages = re.sub(r"# @package (.*)\n_target_:.*", r"\1.*:", stages)
    return f"knobs, with their defaults:\n\n{knobs}\nchoices:\n\n{choices}{stages}"


def _explain(error: Exception, words: Sequence[str]) -> str:
    """One sentence for a failed composition."""
    if said := _misspelt(words):
        return said
    lines = [line.strip() for line in str(error.__cause__ or error).splitlines() if line.strip()]
    knob = next((line.split(":")[1].strip() for line in lines if line.startswith("full_key")), "")
    return f"{knob + ': ' if knob else ''}{lines[0]}; wanted a value of the right type: see --help"


def _hydra_is_lenient(word: str) -> bool:
    """Whether Hydra may pass over a wrong word: a plus makes any knob new, and a recipe need not be there.

    What a plus adds to a stage or backend reaches its class, which knows its fields.
    """
    new = word.startswith("+") and not word.lstrip("+").startswith(("stages.", "backends."))
    return new or word.startswith("hydra.") or name_of(word) in groups()


def _misspelt(words: Sequence[str]) -> str | None:
    """One sentence on the first word that names no knob or no choice, with the nearest right one."""
    options = groups()
    for word in words:
        knob, equals, value = word.partition("=")
        knob = knob.lstrip("+~")
        if not equals:
            return f"cannot read {word!r}; wanted knob=value, or a flag: see --help"
        override = _parse(word)
        if override.is_sweep_override():
            return f"{word} gives several values; wanted one, or --multirun to run each"
        _keep_the_hard_rule({knob: override.value()})
        if knob in options:
            if override.value() not in options[knob] and not (knob == "recipe" and value == "null"):
                wanted = ", ".join(options[knob])
                return f"{knob}={value} is no choice; wanted one of {wanted}{_near(value, options[knob])}"
        elif knob not in _known() and not knob.startswith("backends."):
            return f"{knob or repr(word)} is not a knob; see --help for all{_near(knob, [*_known(), *options])}"
    return None


@cache
def _known() -> tuple[str, ...]:
    """Every knob of a run from a picture with the embedded backends."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return tuple(_knobs(hydra_compose("single_img")))


def _near(word: str, known: Sequence[str]) -> str:
    last = {k.rpartition(".")[2]: k for k in reversed(known)}
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6) or [
        last[m] for m in difflib.get_close_matches(word.rpartition(".")[2], last, n=1, cutoff=0.75)
    ]
    return f"; did you mean {near[0]}?" if near else ""


def _flat(values: Any, above: str = "") -> dict[str, Any]:
    """Nested dicts as one: {"a": {"b": 1}} -> {"a.b": 1}."""
    if not isinstance(values, dict):
        return {above.rstrip("."): values}
    return {knob: leaf for key, value in values.items() for knob, leaf in _flat(value, f"{above}{key}.").items()}


def _construct(node: Any, path: str) -> Any:
    """The object that plain values describe: `_target_` called with the rest, each checked against its type."""
    if not isinstance(node, dict):
        return node
    values = {key: _construct(value, f"{path}.{key}") for key, value in node.items() if key != "_target_"}
    if "_target_" not in node:
        return values
    target = get_class(node["_target_"])
    hints = get_type_hints(target)
    for key, value in values.items():
        if isinstance(value, _PLAIN_TYPES) and not is_bearable(value, hints.get(key, Any), conf=_TOWER):
            wanted = str(hints[key].__name__ if isinstance(hints[key], type) else hints[key])
            raise UserError(f"{path}.{key}: got {value!r}; wanted {wanted.replace('collections.abc.', '')}")
    try:
        return target(**values)
    except (ValueError, TypeError) as error:
        raise UserError(f"{path}: {error}") from error
