"""A file or a folder appears whole or not at all: it is written under a draft's name in the same folder and renamed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_DRAFT = re.compile(r"\..+\.(\d+|old)(\.\w+)*")
"""Names of drafts: a dot, the final name, the process (or "old"), the suffixes."""


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path to write to, with the suffixes of `target`; becomes `target` when the block ends well, else is removed.

    The folder of `target` is made. Where nothing or an empty folder is at `target`, the block may make a folder.
    Raises OSError when the disk is full or may not be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    suffixes = "".join(target.suffixes)
    draft = target.with_name(f".{target.name.removesuffix(suffixes)}.{os.getpid()}{suffixes}")
    try:
        yield draft
        os.replace(draft, target)
    finally:
        remove(draft)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill; it replaces the folder `target` when the block ends well, else it is removed."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    old = target.with_name(f".{target.name}.old")
    remove(draft)
    draft.mkdir(parents=True)
    try:
        yield draft
        remove(old)
        if target.exists():
            target.rename(old)
        draft.rename(target)
        remove(old)
    finally:
        remove(draft)


def drafts(folder: Path) -> list[Path]:
    """What killed processes left half-written in a folder and below it."""
    return [path for path in folder.rglob(".*") if _DRAFT.fullmatch(path.name)]


def remove(path: Path) -> None:
    """Removes a file, or a folder with all it holds, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Readable JSON, keys in the order given."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def link_or_copy(source: str, target: str) -> None:
    """Gives a file a second name where the disk has hard links, else copies it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
