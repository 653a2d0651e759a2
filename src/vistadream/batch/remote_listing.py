"""The pictures of a folder or a pattern behind a URL, one folder after the other."""

from __future__ import annotations

from collections.abc import Iterator
from glob import has_magic
from typing import Any

from vistadream.batch.listing import Named, is_picture
from vistadream.batch.remote import opened, reached, version_by


def pictures_at(url: str) -> Iterator[Named] | None:
    """The pictures of a folder, or those that match a pattern; None for a file. UserError for what cannot be read."""
    file_system, path = opened(url)
    with reached(f"images={url}"):
        if has_magic(path):
            return _named(file_system, _matching(url, file_system, path))
        if file_system.info(path)["type"] == "file":
            return None
    return _named(file_system, _in_folder(url, file_system, path))


def _named(file_system: Any, infos: Iterator[dict[str, Any]]) -> Iterator[Named]:
    return (Named(file_system.unstrip_protocol(info["name"]), version=version_by(info)) for info in infos)


def _matching(url: str, file_system: Any, pattern: str) -> Iterator[dict[str, Any]]:
    with reached(f"images={url}"):
        found = file_system.glob(pattern, detail=True)
    return (found[name] for name in sorted(found) if found[name]["type"] == "file")


def _in_folder(url: str, file_system: Any, folder: str) -> Iterator[dict[str, Any]]:
    """As `listing.in_folder`: each folder sorted by name, hidden ones left out."""
    with reached(f"images={url}"):
        found = sorted(file_system.ls(folder, detail=True), key=lambda info: info["name"])
    for info in found:
        path = info["name"].rstrip("/")
        name = path.rpartition("/")[2]
        if path.strip("/") == folder.strip("/") or name.startswith("."):  # S3 lists some folders in themselves
            continue
        if info["type"] == "directory":
            yield from _in_folder(url, file_system, path)
        elif is_picture(name):
            yield info
