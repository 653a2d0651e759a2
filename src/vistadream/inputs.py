"""The files that a run reads, by their digests, which run.json keeps: a finished stage does not need its files."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vistadream.config import Composed, described, name_of, quote_paths, unquoted
from vistadream.formats.files import sha256_of
from vistadream.formats.picture import FORMATS
from vistadream.formats.source import check_source
from vistadream.runs.folder import RunFolder, camera_files
from vistadream.version import __version__

_CAMERAS = "trajectory.path"
"""The knob whose file every export reads anew, so that a run keeps a copy of it."""


@dataclass(frozen=True)
class Inputs:
    """Digests of the files that the configuration names; for a file that is gone that of an earlier session."""

    digests: dict[str, Any] = field(default_factory=dict)
    """By path."""
    originals: dict[str, str] = field(default_factory=dict)
    """Paths of copies in the run folder, with the paths that they stand in for."""

    @staticmethod
    def of(folder: RunFolder | None) -> Inputs:
        """Those of a run that is resumed, else none yet."""
        digests = folder.facts().get("inputs") if folder else None
        return Inputs(digests if isinstance(digests, dict) else {})

    def stand_in(self, words: Sequence[str], folder: RunFolder | None) -> list[str]:
        """Overrides in which a camera file that is gone is replaced by the run's own copy."""
        return [self._kept(word, folder) if folder and name_of(word) == _CAMERAS else word for word in words]

    def _kept(self, word: str, folder: RunFolder) -> str:
        path = unquoted(word)
        copy = folder.kept_input(Path(path))
        if os.path.exists(os.path.expanduser(path)) or not os.path.exists(copy):
            return word
        self.originals[str(copy)] = path
        return quote_paths([f"{_CAMERAS}={copy}"])[0]

    def cameras(self, composed: Composed) -> list[Path]:
        """The camera file of the run, if it has one; not the run's own copy of it."""
        path = composed.knobs().get(_CAMERAS)
        return [] if path is None or path in self.originals else [Path(os.path.expanduser(path))]

    def fingerprints(self, composed: Composed, plan: Sequence[str]) -> dict[str, dict]:
        """For each stage all that decides its result: its resolved knobs, files replaced by their digests."""
        knobs = {name: described(composed.plain(f"stages.{name}")) for name in plan}
        return {name: {"version": __version__, "knobs": self._digested(knobs[name])} for name in plan}

    def _digested(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._digested(item) for key, item in value.items()}
        if not isinstance(value, str) or "/" not in value:
            return value
        path = self.originals.get(value, value)
        with suppress(OSError) if path in self.digests else nullcontext():
            if (digest := _digest(path)) is not None:
                self.digests[path] = digest
        return self.digests.get(path, value)


def _digest(value: str) -> Any:
    """sha256 of a file; name of a folder with those of its camera files; number of a pipe; None where nothing is."""
    # os.path takes any sentence for a path; Path raises where one is too long, or begins with ~
    path = os.path.expanduser(value)
    if os.path.isfile(path):
        return sha256_of(Path(path))
    if os.path.isdir(path):
        return [value, *(sha256_of(file) for file in camera_files(Path(path)))]
    if os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode):
        return f"pipe {os.stat(path).st_ino}"
    return None


def check_picture(composed: Composed) -> None:
    """UserError before anything is written when the picture cannot be had."""
    path = composed.plain("image")
    if path is not None:
        check_source(os.path.expanduser(path), "picture", f"a {FORMATS} file: check the path given as image=")
