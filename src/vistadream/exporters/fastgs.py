"""The views with their depth, normals and masks as a dataset: docs/fastgs_dataset.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from vistadream.core import ExportContext, Note, Scene, UserError
from vistadream.formats.fastgs_dataset import write_dataset

FOLDER = "fastgs"


@dataclass(frozen=True)
class FastgsDataset:
    """A folder with the dataset. One that was made from the same scene stays as it is."""

    place: ClassVar[Literal["export"]] = "export"

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the dataset, and observes a note for each view that is left out."""
        folder = target / FOLDER
        if folder.exists():
            note = f"{self.place}/{FOLDER} was made from the same scene and stays as it is"
            context.observe("export/fastgs", Note(note))
            return
        source = "single" if len(scene.photos) == 1 else "multi"
        try:
            left_out = write_dataset(scene.views, scene.gaussians, folder, source, scene.is_metric)
        except ValueError as error:
            raise UserError(f"export=[fastgs]: {error}; wanted a larger picture, or export= without fastgs") from error
        for reason in left_out:
            context.observe("export/fastgs", Note(f"dataset: {reason}"))
