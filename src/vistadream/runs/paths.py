"""All paths and file names of a run, and which stages are finished. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vistadream.formats.json_file import read_json

_STAGE = re.compile(r"(\d\d)_(\w+)")
"""The pattern of the names of stages' folders."""


@dataclass(frozen=True)
class RunPaths:
    """The paths in the folder of one run. The folder of a stage exists only when it is complete."""

    root: Path
    order: tuple[str, ...] = ()
    """All stages of the job; the number of a stage's folder is its position here. Empty: found from the folders."""

    @property
    def config(self) -> Path:
        return self.root / "config.yaml"

    @property
    def run_json(self) -> Path:
        return self.root / "run.json"

    @property
    def log(self) -> Path:
        return self.root / "run.log"

    @property
    def events(self) -> Path:
        return self.root / "events.jsonl"

    def records(self) -> list[Path]:
        """The paths of what a run writes about itself, except for its stages and results. They need not exist."""
        own = (self.config, self.run_json, self.log, self.events, self.root / "run.lock", self.root / "live")
        return [*own, *self.root.glob("run*.rrd")]

    def new_recording(self) -> Path:
        """run.rrd; in a resumed run, run.2.rrd and so on, so that earlier recordings are kept."""
        n, path = 1, self.root / "run.rrd"
        while path.exists():
            n += 1
            path = self.root / f"run.{n}.rrd"
        return path

    def stage(self, name: str) -> Path:
        """The folder of a finished stage."""
        if self.order:
            return self.root / f"{self.order.index(name) + 1:02d}_{name}"
        return next((folder for folder in self._stages_on_disk() if folder.name[3:] == name), self.root / name)

    def finished_stages(self) -> tuple[str, ...]:
        """The names of the stages that are finished, in order."""
        return tuple(folder.name[3:] for folder in self._stages_on_disk() if self.finished(folder.name[3:]))

    def _stages_on_disk(self) -> list[Path]:
        return sorted(path for path in self.root.glob("*_*") if _STAGE.fullmatch(path.name))

    def finished(self, name: str) -> dict | None:
        """The content of done.json of a stage, or None when the stage is not finished."""
        try:
            done = read_json(self.stage(name) / "done.json")
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return done if isinstance(done, dict) else None

    def facts(self) -> dict:
        """The content of run.json; empty when there is no complete one."""
        try:
            facts = read_json(self.run_json, finite=False)
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}
