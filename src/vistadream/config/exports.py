"""The words about results: the list `export=[...]`, the formats as its short names, and the switches of version 0.1."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache

from vistadream.config.files import composed_files, conf_folder
from vistadream.config.words import name_of, parse
from vistadream.core import UserError
from vistadream.exporters.file_names import GAUSSIAN_FORMATS

SWITCHES = {"export.report": "report", "export.fastgs": "fastgs"}
"""Knobs of version 0.1 that put a result on the list (true) or take it off (false)."""
_GAUSSIANS = "gaussians"
_FORMATS_KNOB = "export.gaussians.formats"


def expand_exports(words: Sequence[str]) -> list[str]:
    """The words with one complete list `export=[...]`, if they change it.

    Later words prevail. UserError for a name that is not a result, and for knobs of results that are not on the list.
    """
    if not any(name_of(word).split(".")[0] == "export" for word in words):
        return list(words)
    listed, expanded = None, []
    last_list = max((i for i, word in enumerate(words) if name_of(word) == "export"), default=0)
    for i, word in enumerate(words):
        knob = name_of(word)
        if i < last_list and knob in ("export", *SWITCHES):
            continue
        if knob == "export":
            listed, formats = _read_list(word)
            expanded += [f"{_FORMATS_KNOB}=[{','.join(formats)}]"] if formats else []
        elif knob in SWITCHES:
            listed = _switched(default_exports() if listed is None else listed, word)
        else:
            expanded.append(word)
    expanded = _without_unlisted(expanded, default_exports() if listed is None else listed)
    return expanded if listed is None else [*expanded, f"export=[{','.join(listed)}]"]


def without_exporter(saved: Sequence[str], words: Sequence[str]) -> list[str]:
    """Saved words that are knobs of results which `words` take off the list."""
    lists = [word for word in [*saved, *words] if name_of(word) in ("export", *SWITCHES)]
    listed = expand_exports(lists)[-1:] if lists else []
    names = _read_list(listed[0])[0] if listed else default_exports()
    return [word for word in saved if (name := _exporter_of(word)) and name not in names]


def export_names() -> list[str]:
    """Every result that `export=[...]` may name, without the short names."""
    return sorted(file.stem for file in (conf_folder() / "export").glob("*.yaml"))


@cache
def default_exports() -> tuple[str, ...]:
    """What a run exports unless words say otherwise."""
    return tuple(map(str, composed_files().export))


def _read_list(word: str) -> tuple[tuple[str, ...], list[str]]:
    """The results that `export=[...]` names, and the formats among its short names."""
    override = parse(word)
    value = None if override.is_sweep_override() else override.value()
    items = [value] if isinstance(value, str) else value
    known = [*export_names(), *GAUSSIAN_FORMATS]
    if not isinstance(items, list):
        raise UserError(f"{word} is not a list of results; wanted some of {', '.join(known)}, as in export=[ply,video]")
    for item in items:
        if item not in known:
            near = "".join(f"; did you mean {name}?" for name in get_close_matches(str(item), known, 1))
            raise UserError(f"{word}: {item} is not a result; wanted some of {', '.join(known)}{near}")
    names = dict.fromkeys(_GAUSSIANS if item in GAUSSIAN_FORMATS else item for item in items)
    return tuple(names), [item for item in dict.fromkeys(items) if item in GAUSSIAN_FORMATS]


def _switched(listed: Sequence[str], word: str) -> tuple[str, ...]:
    knob, value = name_of(word), word.partition("=")[2]
    if value.lower() not in ("true", "false"):
        raise UserError(f"{word} is neither true nor false; wanted one of them, or the list export=[...]")
    others = tuple(name for name in listed if name != SWITCHES[knob])
    return (*others, SWITCHES[knob]) if value.lower() == "true" else others


def _exporter_of(word: str) -> str | None:
    """The result that a word is a knob of; None for all other words."""
    knob = name_of(word)
    name = knob.split(".")[1] if knob.startswith("export.") else ""
    return name if name in export_names() and knob not in SWITCHES else None


def _without_unlisted(words: Sequence[str], listed: Sequence[str]) -> list[str]:
    """The words without those that set a knob of an unlisted result to []; UserError for its other knobs."""
    unlisted = {word: name for word in words if (name := _exporter_of(word)) and name not in listed}
    for word, name in unlisted.items():
        if word.partition("=")[2] != "[]":
            raise UserError(
                f"{word} is a knob of {name}, which export=[{','.join(listed)}] does not name; wanted {name} on the "
                f"list: add it, or leave {name_of(word)} out"
            )
    return [word for word in words if word not in unlisted]
