"""The results of a run in its folder. They all belong to one scene: when the scene changes, all are replaced.

The file results.json identifies that scene and lists the results. Other files in export/ belong to the user.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from vistadream.core import ExportContext, Exporter, Scene
from vistadream.formats.files import link_or_copy, remove, replace_folder
from vistadream.runs.folder import RunFolder, write_errors
from vistadream.runs.listed import EXPORT, Listed, files_in


def write_results(
    folder: RunFolder, key: str, exporters: Iterable[Exporter], scene: Scene, context: ExportContext
) -> None:
    """Runs the exporters on a scene and moves their files into the run folder, all of them or none.

    `key` identifies the scene. Earlier results of the same scene are kept; those of another scene are removed.
    UserError when the disk is full or cannot be written.
    """
    with write_errors(folder.root / EXPORT), new_results(folder.root, key) as draft:
        for exporter in sorted(exporters, key=lambda exporter: exporter.place != EXPORT):
            exporter(scene, draft / exporter.place, context)


@contextmanager
def new_results(root: Path, key: str | None, look: str | None = None) -> Iterator[Path]:
    """A folder to write results into, with the layout of the run folder `root`; the block's success moves them there.

    At the start it contains the files of export/ that are kept: all of them if the results there belong to the same
    scene, else only the files of the user. A scene that is not finished has no key; `look` is then its last stage.
    """
    before, there = Listed.read(root), files_in(root / EXPORT, root)
    kept = there if before.key == key and key is not None else there - before.files
    draft = root / f".results.{os.getpid()}"
    remove(draft)
    try:
        (draft / EXPORT).mkdir(parents=True)
        for file in kept:
            (draft / file).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(str(root / file), str(draft / file))
        yield draft
        users = {file for file in kept - before.files if _is_unchanged(root / file, draft / file)}
        _publish(draft, root, before, Listed(key, files_in(draft, draft) - users, look))
    finally:
        remove(draft)


def _publish(draft: Path, root: Path, before: Listed, new: Listed) -> None:
    """Moves the results into the run folder."""
    others = {file.name for file in root.iterdir() if file.is_file()} & (before.files - new.files)
    if before.key == new.key and new.key is not None:
        _add(draft, root, before, Listed(new.key, new.files | others))
    else:
        _replace(draft, root, before, new, others)


def _replace(draft: Path, root: Path, before: Listed, new: Listed, others: set[str]) -> None:
    """After a kill in between the results are taken for those of an unknown scene."""
    Listed(None, before.files | new.files).write(root)
    replace_folder(draft / EXPORT, root / EXPORT)
    with suppress(OSError):
        (root / EXPORT).rmdir()  # when it is empty
    for result in draft.iterdir():
        result.replace(root / result.name)
    for name in others:
        (root / name).unlink()
    new.write(root)


def _add(draft: Path, root: Path, before: Listed, new: Listed) -> None:
    """Adds results of the same scene. Whoever reads those that were there finds them at every moment."""
    Listed(new.key, before.files | new.files).write(root)
    for file in sorted(files_in(draft, draft)):
        if (draft / file).exists() and not _is_unchanged(root / file, draft / file):
            folders = [folder for folder in PurePath(file).parents if not (root / folder).exists()]
            first = folders[-1] if folders else file  # a new folder appears with all its files
            (draft / first).replace(root / first)
    for file in (files_in(root / EXPORT, root) & before.files) - new.files:
        (root / file).unlink()
    new.write(root)


def _is_unchanged(before: Path, after: Path) -> bool:
    """Whether a file was only linked or copied, and not written again."""
    if not before.exists():
        return False
    old, new = before.stat(), after.stat()
    return (old.st_mtime_ns, old.st_size) == (new.st_mtime_ns, new.st_size)
