"""The files that the words of `input=` name: one path, a pattern, or a list of these."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vistadream.core import UserError, natural_order, short_path
from vistadream.formats.source import check_source

_COMMAS_IN_A_NAME = 8
"""At most this many parts of a list are tried as one name that holds commas."""


Input = Path | str | Sequence[Path | str]
"""One path, a pattern, or a list of these: as one text with commas, in brackets or not, or as a sequence."""


def input_paths(named: Input | None) -> tuple[Path, ...]:
    """The paths in the order in which they are named; those of a pattern such as photos/*.jpg in natural order.

    A path that exists is taken as it is, whatever characters it has. UserError when something named is not there.
    """
    paths = [path for item in _listed(named) for path in _named(item)]
    if not paths:
        raise UserError("input= names nothing; wanted input=PATH: a folder of photos, a video, or a list of pictures")
    return tuple(dict.fromkeys(paths))


def name_of_input(named: Input | None) -> str:
    """What the input is called, by its words alone: a folder, the folder of a pattern, or the stem of a file."""
    first = Path(os.path.expanduser(next(iter(_listed(named)), ""))).absolute()
    while first.name == "images" or first.suffix == ".json" or glob.has_magic(first.name):
        first = first.parent
    return first.name if first.is_dir() else first.stem


def _listed(named: Input | None) -> Iterable[str]:
    return items(str(named or "")) if named is None or isinstance(named, str | Path) else map(str, named)


def items(words: str) -> Iterator[str]:
    """The items of a list; a name that holds commas is one item where such a file is there."""
    if _is_there(words):
        yield words
        return
    parts = words.strip().removeprefix("[").removesuffix("]").split(",")
    while parts:
        n = next((n for n in range(min(len(parts), _COMMAS_IN_A_NAME), 0, -1) if _is_there(",".join(parts[:n]))), 1)
        if item := _bare(",".join(parts[:n])):
            yield item
        parts = parts[n:]


def _bare(item: str) -> str:
    """An item without blanks and one pair of quotes around it, in which a backslash stands before a quote."""
    item = item.strip()
    if len(item) < 2 or item[0] != item[-1] or item[0] not in "'\"":
        return item
    return item[1:-1].replace(f"\\{item[0]}", item[0])


def _is_there(item: str) -> bool:
    return os.path.exists(os.path.expanduser(_bare(item)))


def _named(item: str) -> list[Path]:
    path = os.path.expanduser(item)
    if os.path.exists(path):
        return [Path(path)]
    if not glob.has_magic(path):
        check_source(path, "input", "a folder, a video or pictures: check its path")
    if found := [name for name in glob.glob(path) if os.path.isfile(name)]:
        return [Path(name) for name in sorted(found, key=natural_order)]
    raise UserError(f"no file matches {short_path(item)}; wanted a pattern of pictures, such as photos/*.jpg")
