"""The list of a run's results, results.json. For programs that look at runs; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vistadream.formats.files import new_file, write_json
from vistadream.formats.json_file import read_json

EXPORT = "export"
LIST = "results.json"
_OF_VERSION_0_1 = ("metrics.json", "report.html")
"""The results outside of export/ in run folders without a list."""


@dataclass(frozen=True)
class Listed:
    """The content of results.json: the key of the scene, and the paths of the results in the run folder."""

    key: str | None
    """None: the results are of an unknown scene, or of one that is not finished."""
    files: frozenset[str]
    look: str | None = None
    """The stage that the results are an early look at; None: they are not an early look."""

    @staticmethod
    def read(root: Path) -> Listed:
        """Reads the list. Without a complete one, as in folders of version 0.1, all files of export/ are results."""
        try:
            listed = read_json(root / LIST)
            return Listed(listed["key"], frozenset(map(str, listed["files"])), listed.get("look"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Listed(None, frozenset({*files_in(root / EXPORT, root), *_OF_VERSION_0_1}))

    def by_name(self) -> dict[str, str]:
        """The results by their names, which leave out the folder export/, with their paths in the run folder."""
        return {file.removeprefix(f"{EXPORT}/"): file for file in sorted(self.files)}

    def write(self, root: Path) -> None:
        with new_file(root / LIST) as draft:
            look = {} if self.look is None else {"look": self.look}
            write_json(draft, {"key": self.key, **look, "files": sorted(self.files)})


def files_in(folder: Path, root: Path) -> frozenset[str]:
    """All files below a folder by their paths from `root`."""
    return frozenset(file.relative_to(root).as_posix() for file in folder.rglob("*") if file.is_file())
