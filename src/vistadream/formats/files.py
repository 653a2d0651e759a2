"""Atomic writes: a file or folder is written under a temporary name in the same folder and then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_DRAFT = re.compile(r"\..+\.(\d+|old)(\.\w+)*")
"""The pattern of temporary names: a dot, the final name, the process id (or "old"), the suffixes."""


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A temporary path with the suffixes of `target`; it is renamed to `target` when the block succeeds, else removed.

    The folder of `target` is created. If `target` does not exist or is an empty folder, the block can write a folder.
    Raises OSError when the disk is full or cannot be written.
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
    """An empty folder to fill. It replaces the folder `target` when the block succeeds, else it is removed."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    remove(draft)
    draft.mkdir(parents=True)
    try:
        yield draft
        replace_folder(draft, target)
    finally:
        remove(draft)


def replace_folder(draft: Path, target: Path) -> None:
    """Renames the folder `draft` to `target`, and removes the folder that was there."""
    old = target.with_name(f".{target.name}.old")
    remove(old)
    if target.exists():
        target.rename(old)
    try:
        draft.rename(target)
    finally:
        settle(old)


def settle(draft: Path) -> None:
    """Removes what is left of a write that was interrupted; a folder that was to be replaced and was not moves back."""
    target = draft.with_name(draft.name.removeprefix(".").removesuffix(".old"))
    if draft.name.endswith(".old") and draft.exists() and not target.exists():
        draft.rename(target)
    else:
        remove(draft)


def drafts(folder: Path) -> list[Path]:
    """The unfinished files and folders that killed processes left in a folder and below it."""
    return [path for path in folder.rglob(".*") if _DRAFT.fullmatch(path.name)]


def remove(path: Path) -> None:
    """Removes a file, or a folder with its content, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def cache_home() -> Path:
    """The folder for what can be computed anew: XDG_CACHE_HOME/vistadream, else ~/.cache/vistadream."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "vistadream"


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_bytes(folder: Path) -> int:
    """What the files of a folder hold, each file once however many names it has; 0 without the folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it may be gone by now
                about = os.lstat(os.path.join(place, name))
                found[about.st_dev, about.st_ino] = about.st_size
    return sum(found.values())


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON with the keys in the given order."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def link_or_copy(source: str, target: str) -> None:
    """Gives a file a second name by a hard link; copies it if the disk has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
