"""The pictures that `images=` names, one after the other and none in memory, however many there are."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vistadream.batch.remote import is_url
from vistadream.core import UserError
from vistadream.sources.pictures import SUFFIXES

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
_MANIFESTS = (".jsonl", ".ndjson")
_WANTED = "wanted a folder of pictures, a pattern, a text file with a path in each line, a manifest, a zip or a tar"


@dataclass(frozen=True)
class Named:
    """A picture by its name, before anything of it was read."""

    name: str
    """A path, a URL, or ARCHIVE!MEMBER."""
    label: str | None = None
    """What a manifest calls it."""
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """Of this picture alone, as a manifest says."""
    unpack: Callable[[Path], object] | None = None
    """Writes a member of an archive to a new file; only until the next picture is asked for."""
    version: str | None = None
    """What changes when the picture does, where that is known already: see `remote.version_of`."""


def named_in(images: str) -> Iterator[Named]:
    """Every picture, in an order that depends on the names alone. UserError for what names no pictures."""
    if is_url(images):
        from vistadream.batch.remote_listing import pictures_at

        if (pictures := pictures_at(images)) is not None:
            return pictures
    elif os.path.isdir(images):
        return (Named(path) for path in in_folder(images))
    elif glob.has_magic(images) and not os.path.exists(images):
        return (Named(path) for path in sorted(glob.iglob(images, recursive=True)) if os.path.isfile(path))
    elif not os.path.exists(images):
        raise UserError(f"images={images} is not there; {_WANTED}: check its path")
    return _in_file(images)


def _in_file(images: str) -> Iterator[Named]:
    """The pictures that one file holds or lists."""
    lower = images.lower()
    if lower.endswith(_ARCHIVES):
        from vistadream.batch.archives import in_archive

        return in_archive(images)
    if is_picture(lower):
        raise UserError(f"images={images} is one picture; {_WANTED}: vistadream single-img image={images} takes one")
    from vistadream.batch.lists import in_list, in_manifest

    return in_manifest(images) if lower.endswith(_MANIFESTS) else in_list(images)


def in_folder(folder: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
    """The paths of the pictures in a folder and below it, each folder sorted by name; hidden ones are left out.

    A link that leads back to a folder above is not followed.
    """
    about = os.stat(folder)
    here = (*above, (about.st_dev, about.st_ino))
    if here[-1] in above:
        return
    with os.scandir(folder) as entries:
        found = sorted((entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith("."))
    for name, is_folder in found:
        path = f"{folder.rstrip('/')}/{name}"
        if is_folder:
            yield from in_folder(path, here)
        elif is_picture(name):
            yield path


def is_picture(name: str) -> bool:
    """Whether a file is called like a picture."""
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself; one that is called like a picture has its sentence from the worker
        return False
