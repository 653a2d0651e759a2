"""Loads results into a folder: whole, checked by their digests, and continued after a broken connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from vistadream.core import UserError
from vistadream.formats.files import sha256_of
from vistadream.service.remote.answers import LONG_TRIES, pause_s


def fetched(http: httpx.Client, result: Mapping[str, Any], folder: Path) -> Path:
    """The file of a result in a folder. One that is there already, with its digest, is not loaded again."""
    target = _inside(folder, result["name"])
    if not result["url"].startswith("/"):  # the key is for this service alone
        raise UserError(f"the service names an address {result['url'][:200]!r}; wanted one of its own")
    if target.is_file() and sha256_of(target) == result["sha256"]:
        return target
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for failures in range(1, LONG_TRIES + 1):
        with suppress(httpx.TransportError):
            _continue(http, result["url"], part)
        if part.is_file() and part.stat().st_size >= result["bytes"]:
            if sha256_of(part) == result["sha256"]:
                return part.replace(target)
            part.unlink()
        time.sleep(pause_s(failures))
    raise UserError(f"{target.name} could not be loaded whole; wanted a service that answers: try again, it goes on")


def _continue(http: httpx.Client, url: str, part: Path) -> None:
    """Adds to a part of a file what is missing, or loads all of it."""
    have = part.stat().st_size if part.is_file() else 0
    with http.stream("GET", url, headers={"Range": f"bytes={have}-"} if have else {}) as answer:
        if answer.status_code not in (200, 206):
            return
        with part.open("ab" if answer.status_code == 206 else "wb") as stream:
            for chunk in answer.iter_bytes():
                stream.write(chunk)


def _inside(folder: Path, name: str) -> Path:
    """The path of a result; UserError when a service names one outside of the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"the service names a result {name!r}; wanted a name inside of the folder")
    return path
