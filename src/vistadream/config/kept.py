"""What is computed from the files of the program alone, kept in the user's cache from one process to the next."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from vistadream.config.files import conf_folder
from vistadream.formats.files import cache_home, new_file

_VERSIONS = 8
"""How many versions of the program have their results kept, such as those of several checkouts."""


def kept(name: str, make: Callable[[], Any]) -> Any:
    """The value that `make` gives, as JSON reads it back; made anew where code, conf/ or packages have changed."""
    file = cache_home() / "derived" / f"{name}.{_fingerprint()}.json"
    with suppress(OSError, ValueError):
        return json.loads(file.read_bytes())
    text = json.dumps(make(), allow_nan=False)
    with suppress(OSError):
        with new_file(file) as draft:
            draft.write_text(text, encoding="utf-8")
        _remove_old(file.parent, name)
    return json.loads(text)


def _remove_old(folder: Path, name: str) -> None:
    newest_first = sorted(folder.glob(f"{name}.*.json"), key=lambda file: -file.stat().st_mtime_ns)
    for file in newest_first[_VERSIONS:]:
        file.unlink(missing_ok=True)


@cache
def _fingerprint() -> str:
    """The sha256 of all that decides such a value: Python, the installed packages, the code and conf/."""
    packages = Path(sysconfig.get_path("purelib"))
    digest = hashlib.sha256(f"{sys.version} {packages} {packages.stat().st_mtime_ns}".encode())
    for file in _files():
        content = file.read_bytes()
        digest.update(f"{file} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    yield from sorted(Path(__file__).parents[1].rglob("*.py"))
    yield from sorted(conf_folder().rglob("*.yaml"))
