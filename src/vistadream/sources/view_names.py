"""Names of Views, which become names of files, from the names of photos."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

_OTHERS = ("outpaint", "coarse", "closed", "painted", "photos", "input", "metadata")
"""How the names begin of Views that stages add, and of what is observed next to the photos."""
_LONGEST = 60


def view_names(photos: Sequence[str]) -> list[str]:
    """For each photo a name of letters, digits, "-" and "_" that no other has, also where case does not count."""
    names: list[str] = []
    taken: set[str] = set()
    for photo in photos:
        names.append(_free(_plain(photo), taken))
        taken.add(names[-1].casefold())
    return names


def _plain(photo: str) -> str:
    """The stem of a file name with other characters left out, such as the dots of an umlaut, or replaced."""
    stem = re.sub(r"\.[A-Za-z]\w{1,4}$", "", PurePath(photo).name)
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", letters).strip("_-")[:_LONGEST] or "photo"
    return f"photo_{plain}" if plain.casefold().startswith(_OTHERS) else plain


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name}_{number}"
    return free
