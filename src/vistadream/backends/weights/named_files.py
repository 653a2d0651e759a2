"""The files of a model that the user names by the knob `path`: they decide what a stage computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class NamedFiles:
    """Base of frozen dataclasses that have this knob."""

    path: Path | None

    def inputs(self) -> Sequence[Path]:
        """Every file of the folder that `path` names; none where the model is one of the table."""
        return files_of(self.path)


def files_of(path: Path | None) -> list[Path]:
    """The file, or all files below the folder except hidden ones; a path that leads nowhere stands for itself."""
    if path is None:
        return []
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and not _is_hidden(file.relative_to(path)))


def _is_hidden(file: Path) -> bool:
    """Whether the file or a folder above it is hidden, as the lists that a download leaves are."""
    return any(part.startswith(".") for part in file.parts)
