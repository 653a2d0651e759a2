"""A finished run under a second folder: its files by hard links, and its texts with the names of the new folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from vistadream.formats.files import drafts, link_or_copy
from vistadream.runs.paths import RunPaths


def copy_run(source: Path, target: Path, renamed: Mapping[str, str]) -> None:
    """Gives the files of a run a second place, `target`, which must not exist. OSError where that fails.

    Files that a later run continues, or that name the job, are copied; `renamed` says which names in them become which
    others. All others are linked: whoever changes one of them writes a new file in its place.
    """
    paths = RunPaths(source)
    texts = {path.name for path in (paths.config, paths.run_json, paths.log, paths.events)}
    unfinished = {*drafts(source), source / "run.lock", *source.glob("*.work"), *source.glob("*.checkpoint.*")}

    def left_out(folder: str, names: list[str]) -> set[str]:
        here = Path(folder)
        own = texts if here == source else set()
        return own | {name for name in names if here / name in unfinished or (here / name).is_symlink()}

    shutil.copytree(source, target, ignore=left_out, copy_function=link_or_copy)
    for name in texts:
        if (source / name).is_file():
            (target / name).write_bytes(_with_names((source / name).read_bytes(), renamed))


def _with_names(text: bytes, renamed: Mapping[str, str]) -> bytes:
    for old, new in renamed.items():
        for spelled in (os.fsencode, _in_json):
            text = text.replace(spelled(old), spelled(new))
    return text


def _in_json(name: str) -> bytes:
    return json.dumps(name)[1:-1].encode()


def bytes_of(folder: Path) -> int:
    """The size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
