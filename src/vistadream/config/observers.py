"""The words about observers: the list `observers=[...]`, and the knobs of those that are on it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from vistadream.config.files import conf_folder
from vistadream.config.words import name_of, parse
from vistadream.core import UserError


def expand_observers(words: Sequence[str]) -> list[str]:
    """The words with their last list `observers=[...]` alone, and without `mode=off` of an observer that is not on it.

    UserError for a name that is not an observer, and for other knobs of an observer that is not on the list.
    """
    lists = [word for word in words if name_of(word) == "observers"]
    if not lists:
        return list(words)
    listed = _read_list(lists[-1])
    kept = []
    for word in words:
        name, value = _observer_of(word), word.partition("=")[2]
        if name is None or name in listed:
            kept += [word] if word not in lists else []
        elif value != "off":
            raise UserError(
                f"{word} is a knob of {name}, which {lists[-1]} does not name; wanted {name} on the list: add it, or "
                f"leave {name_of(word)} out"
            )
    return [*kept, f"observers=[{','.join(listed)}]"]


def without_observer(saved: Sequence[str], words: Sequence[str]) -> list[str]:
    """Saved words that are knobs of observers which `words` take off the list."""
    lists = [word for word in [*saved, *words] if name_of(word) == "observers"]
    listed = _read_list(lists[-1]) if lists else observer_names()
    return [word for word in saved if (name := _observer_of(word)) and name not in listed]


def observer_names() -> list[str]:
    """Every observer that `observers=[...]` may name."""
    return sorted(file.stem for file in (conf_folder() / "observers").glob("*.yaml"))


def _read_list(word: str) -> list[str]:
    override = parse(word)
    value = None if override.is_sweep_override() else override.value()
    names = [value] if isinstance(value, str) else value
    known = observer_names()
    if not isinstance(names, list):
        wanted = f"some of {', '.join(known)}, as in observers=[console,rerun]"
        raise UserError(f"{word} is not a list of observers; wanted {wanted}")
    for name in names:
        if name not in known:
            near = "".join(f"; did you mean {each}?" for each in get_close_matches(str(name), known, 1))
            raise UserError(f"{word}: {name} is not an observer; wanted some of {', '.join(known)}{near}")
    return list(dict.fromkeys(names))


def _observer_of(word: str) -> str | None:
    """The observer that a word is a knob of; None for all other words."""
    name = name_of(word).removeprefix("observers.").split(".")[0]
    return name if name in observer_names() else None
