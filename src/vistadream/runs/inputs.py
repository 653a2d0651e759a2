"""What decides the result of a stage: its knobs, and the contents of the files that it depends on.

run.json keeps the digests of the files, so that a finished stage does not need its files any more.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from vistadream.core import ReadsFiles, UserError
from vistadream.core.knobs import path_fields
from vistadream.formats.source import check_source
from vistadream.runs.digests import digest_of
from vistadream.runs.folder import RunFolder
from vistadream.version import __version__

_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Inputs:
    """The digests of a run's files. For a file that is gone, the digest of an earlier session counts."""

    digests: dict[str, Any] = field(default_factory=dict)
    """By path; what an input names together, such as a folder, has the digests of all its files."""

    @staticmethod
    def of(folder: RunFolder | None) -> Inputs:
        """Those of a run that is resumed, else none yet."""
        digests = folder.facts().get("inputs") if folder else None
        return Inputs(digests if isinstance(digests, dict) else {})

    def fingerprints(self, parts: Mapping[str, object]) -> dict[str, dict]:
        """For each part, such as a stage, all that decides its result, as plain values.

        UserError when a file is missing, unless an earlier session knew it.
        """
        return {name: {"version": __version__, "stage": self._described(part)} for name, part in parts.items()}

    def _described(self, value: Any) -> Any:
        """A part of a stage as plain values: its class, its knobs, and in place of paths what the files hold."""
        if isinstance(value, Mapping):
            return {key: self._described(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._described(item) for item in value]
        if isinstance(value, _PLAIN):
            return value
        if is_dataclass(value) and not isinstance(value, type):
            return self._described_object(value)
        return f"{type(value).__module__}.{type(value).__qualname__}: {value!r}"  # an object of a Python program

    def _described_object(self, part: Any) -> dict[str, Any]:
        owner: type = type(part)
        paths = path_fields(owner)
        knobs = {each.name: getattr(part, each.name) for each in fields(part) if each.name not in paths}
        described = {"class": f"{type(part).__module__}.{type(part).__qualname__}", "knobs": self._described(knobs)}
        if isinstance(part, ReadsFiles):
            named = sorted(str(path) for path in (getattr(part, name) for name in paths) if path is not None)
            return described | {"inputs": self._digests_of(part, named)}
        if paths:
            raise TypeError(f"{type(part).__name__} has a path but no inputs(); wanted the files that it reads")
        return described

    def _digests_of(self, part: ReadsFiles, named: list[str]) -> list[Any]:
        """The digests of the files of a part; those of an earlier session where what it names is gone."""
        together = f"files of {', '.join(named)}"
        try:
            files = part.inputs()
        except UserError:
            known = self.digests.get(together) or [self.digests[path] for path in named if path in self.digests]
            if not known:
                raise
            return known
        digests = [self._digest(file) for file in files]
        if sorted(map(str, files)) != named:
            self.digests[together] = digests
        return digests

    def _digest(self, file: Path) -> Any:
        try:
            self.digests[str(file)] = _digest(file)
        except (UserError, OSError):
            if str(file) not in self.digests:
                raise
        return self.digests[str(file)]


def _digest(file: Path) -> str:
    """The sha256 of a file. A pipe can be read only once, so it is identified by its inode number."""
    check_source(file, "input", "a file that is there: check its path")
    facts = os.stat(file)
    return digest_of(file) if stat.S_ISREG(facts.st_mode) else f"pipe {facts.st_ino}"
