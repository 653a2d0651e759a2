"""Loads results into a folder: whole, checked by their digests, and continued after a broken connection."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from vistadream.core import UserError
from vistadream.formats.files import sha256_of
from vistadream.service.remote.answers import LONG_TRIES, pause_s
from vistadream.service.remote.steps import Close, Next, Open, Pause, Talk, Work


def fetched(result: Mapping[str, Any], folder: Path) -> Talk:
    """The file of a result in a folder. One that is there already, with its digest, is not loaded again."""
    target = _inside(folder, result["name"])
    if not result["url"].startswith("/"):  # the key is for this service alone
        raise UserError(f"the service names an address {result['url'][:200]!r}; wanted one of its own")
    if target.is_file() and (yield Work(partial(sha256_of, target))) == result["sha256"]:
        return target
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for failures in range(1, LONG_TRIES + 1):
        with suppress(httpx.TransportError):
            yield from _continued(result["url"], part)
        if part.is_file() and part.stat().st_size >= result["bytes"]:
            if (yield Work(partial(sha256_of, part))) == result["sha256"]:
                return part.replace(target)
            part.unlink()
        yield Pause(pause_s(failures))
    raise UserError(f"{target.name} could not be loaded whole; wanted a service that answers: try again, it goes on")


def _continued(url: str, part: Path) -> Talk:
    """Adds to a part of a file what is missing, or loads all of it."""
    have = part.stat().st_size if part.is_file() else 0
    opened = yield Open(url, {"Range": f"bytes={have}-"} if have else {}, by="bytes")
    if opened.response.status_code in (200, 206):
        with part.open("ab" if opened.response.status_code == 206 else "wb") as stream:
            while (piece := (yield Next(opened))) is not None:
                stream.write(piece)
    yield Close(opened)


def _inside(folder: Path, name: str) -> Path:
    """The path of a result; UserError when a service names one outside of the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"the service names a result {name!r}; wanted a name inside of the folder")
    return path
