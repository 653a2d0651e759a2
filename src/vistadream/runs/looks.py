"""First looks: the Gaussians of a stage are exported at once, so that nobody waits for the stages that follow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from vistadream.core import Gaussians, Note, Observer, StageFinished, StageStarted
from vistadream.exporters.file_names import gaussians_file
from vistadream.formats.ply import write_ply
from vistadream.runs.folder import RunFolder, write_errors
from vistadream.runs.listed import EXPORT, Listed
from vistadream.runs.results import new_results

FIRST_LOOK = "first_look"


class Looks:
    """An Observer that passes everything on, and exports what is observed as STAGE/gaussians: a *look*.

    A look is export/gaussians.ply, which results.json names together with the stage. The next look takes its place, and
    so do the results of the finished scene. Results of a finished scene, and files of the user, stay as they are.
    Of stages that were taken from disk there is no look.
    """

    def __init__(self, folder: RunFolder, observe: Observer, begun_s: float, wanted: bool):
        """`begun_s` is the time.perf_counter() at which the run began; without `wanted` nothing is exported."""
        self.milestones_s: dict[str, float] = {}
        """Seconds from the start of the run to the first look and to the end of each stage that ran."""
        self._folder, self._observe, self._begun_s, self._wanted = folder, observe, begun_s, wanted
        self._running: str | None = None

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        self._observe(name, value, step)
        match value:
            case StageStarted():
                self._running = value.stage
            case StageFinished(resumed=False):
                self.milestone(value.stage)
            case Gaussians() if name == f"{self._running}/gaussians" and len(value):
                self._look(name.removesuffix("/gaussians"), value)

    def milestone(self, name: str) -> None:
        """Writes down that something is reached now."""
        self.milestones_s[name] = round(time.perf_counter() - self._begun_s, 2)

    def _look(self, stage: str, gaussians: Gaussians) -> None:
        if not self._wanted or not self._may_replace():
            return
        try:
            path = self._export(stage, gaussians.to("cpu"))
        except Exception as error:  # the run goes on, and the export at its end says what is wrong
            note = Note(f"{stage} could not be shown early: {error}", "warning")
        else:
            is_first = FIRST_LOOK not in self.milestones_s
            if is_first:
                self.milestone(FIRST_LOOK)
            seconds, words = time.perf_counter() - self._begun_s, "first look" if is_first else f"{stage} to look at"
            note = Note(f"{words} after {seconds:.1f} s: {path}")
        self._observe(f"{stage}/look", note)

    def _may_replace(self) -> bool:
        listed = Listed.read(self._folder.root)
        return listed.look is not None or not any((self._folder.root / file).exists() for file in listed.files)

    def _export(self, stage: str, gaussians: Gaussians) -> Path:
        target = self._folder.root / EXPORT
        with write_errors(target), new_results(self._folder.root, None, look=stage) as draft:
            write_ply(gaussians, draft / EXPORT / gaussians_file("ply"))
        return target / gaussians_file("ply")
