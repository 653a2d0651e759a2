"""What words from outside may not do: build foreign objects, run resolvers as in `${oc.env:HOME}`, steer a resumed run.

A word is typed by a person, or read from the run.json of a folder that somebody else may have made. Neither becomes
code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from vistadream.config.earlier_words import today
from vistadream.config.files import targets
from vistadream.config.words import PATH_KNOBS, TEXT_KNOBS, name_of
from vistadream.core import UserError

_OF_TODAY = ("resume", "rerun.bind", "rerun.connect", "rerun", "observers.rerun")
"""Knobs that a saved word never sets: which folder is resumed, and who on the network may watch. The last two are whole
sections, which could set them too."""
_RESOLVER = re.compile(r"(?<!\\)(?:\\\\)*\$\{(?![\w.]*\})")
"""An interpolation that is not the plain name of a knob. OmegaConf takes `\\${` for text."""
_HYDRA_KEY = re.compile(r"_\w+_")


def refuse_resolvers(values: Any) -> None:
    """UserError for an interpolation that does more than name a knob; `values` are as composed, unresolved."""
    for path, _, value in _entries(values):
        if isinstance(value, str) and _RESOLVER.search(value):
            raise UserError(
                f"{path}={value} asks for more than another knob's value; wanted ${{KNOB}} or plain values: let the "
                'shell put in what it knows, as in "$HOME"'
            )


def refuse_foreign_targets(values: Any) -> None:
    """UserError for any `_target_` that conf/ does not name, and for Hydra's other keys; `values` are resolved."""
    for path, key, value in _entries(values):
        if key == "_target_":
            if value not in targets():
                raise UserError(
                    f"{path}={value!r} is not part of VistaDream; wanted a class that its configuration files name: "
                    "choose a backend by backends/ROLE=NAME"
                )
        elif _HYDRA_KEY.fullmatch(str(key)):
            raise UserError(f"{path} is a key of Hydra, which is not read here; wanted a knob: see --help")


def _entries(values: Any, above: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted path, key, value) of everything in nested dicts and lists."""
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        path = f"{above}.{key}" if above else str(key)
        yield path, key, value
        yield from _entries(value, path)


def saved_words(words: Sequence[object]) -> list[str]:
    """The words of a run.json, by today's names, without those that only the person at the command line may give."""
    return [today(word) for word in map(str, words) if name_of(word) not in _OF_TODAY]


def refuse_saved_interpolations(words: Sequence[str], folder: object) -> None:
    """UserError when a saved word refers to anything; paths and sentences, taken to the letter, refer to nothing."""
    for word in words:
        if "${" in word and name_of(word) not in (*PATH_KNOBS, *TEXT_KNOBS):
            raise UserError(
                f"{folder}: run.json holds {word!r}, and what is in ${{}} is not looked up for a resumed run; wanted a "
                f"plain value: give it anew, as in resume={folder} {name_of(word)}=VALUE"
            )
