"""Pictures that a text file or a manifest names, line by line."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vistadream.batch.listing import Named
from vistadream.batch.remote import is_url, open_file, version_of
from vistadream.core import UserError
from vistadream.formats.json_file import parse_json

_KEYS = ("image", "id", "knobs")


def in_list(file: str) -> Iterator[Named]:
    """The pictures of a text file with a path in each line, relative to its folder. UserError names a missing one."""
    for number, line in _lines(file):
        yield _there(file, number, line.strip())


def in_manifest(file: str) -> Iterator[Named]:
    """The pictures of a file with {"image": ..., "id": ..., "knobs": {...}} in each line; id and knobs may be left out.

    UserError for a line that is something else, and for an id that comes twice.
    """
    ids: dict[str, int] = {}
    for number, line in _lines(file):
        entry = _entry(file, number, line)
        label = entry.get("id")
        if label is not None and label in ids:
            raise UserError(f"{file}: lines {ids[label]} and {number} have the id {label!r}; wanted each id once")
        if label is not None:
            ids[label] = number
        yield replace(_there(file, number, entry["image"]), label=label, knobs=entry.get("knobs", {}))


def _lines(file: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers. UserError for a file that is not text."""
    try:
        with io.TextIOWrapper(open_file(file), encoding="utf-8-sig") as stream:
            yield from ((number, line) for number, line in enumerate(stream, 1) if line.strip())
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not text in UTF-8; wanted a path in each line: save it as UTF-8") from error


def _there(file: str, number: int, path: str) -> Named:
    """The picture of a path from the folder of the list, or of a URL. UserError where nothing is there."""
    whole = path if is_url(path) else os.path.join(os.path.dirname(file), os.path.expanduser(path))
    missing = f"{file}: line {number} names {path!r}, which is not there; wanted the path of a picture"
    if is_url(whole):
        try:
            return Named(whole, version=version_of(whole))
        except UserError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise UserError(missing) from error
            raise
    if "\0" in path or not os.path.isfile(whole):
        raise UserError(missing)
    return Named(whole)


def _entry(file: str, number: int, line: str) -> dict[str, Any]:
    where = f"{file}: line {number}"
    try:
        entry = parse_json(line)
    except ValueError as error:
        raise UserError(f'{where} is not JSON ({error}); wanted {{"image": "PATH"}}') from error
    if not isinstance(entry, dict) or not isinstance(entry.get("image"), str):
        raise UserError(f'{where} has no "image"; wanted {{"image": "PATH"}}')
    if odd := [key for key in entry if key not in _KEYS]:
        raise UserError(f"{where} has the key {odd[0]!r}; wanted {', '.join(_KEYS)}")
    if not isinstance(entry.get("id", ""), str) or not isinstance(entry.get("knobs", {}), dict):
        raise UserError(f'{where}: got another type; wanted "id" as text and "knobs" as an object')
    return entry
