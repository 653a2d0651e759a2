"""A temporary folder with the pictures of some Views, on which COLMAP works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from vistadream.backends.poses.lenses import Lens, plain
from vistadream.colmap.process import Arrays, run_task
from vistadream.core import View
from vistadream.ops.image.pixels import to_uint8


@dataclass(frozen=True)
class Workspace:
    """Pictures of Views as files, which COLMAP's tasks read one after the other."""

    folder: Path
    views: Sequence[View]
    seed: int

    @staticmethod
    @contextmanager
    def of(views: Sequence[View], seed: int) -> Iterator[Workspace]:
        """Writes the pictures; removes everything at the end."""
        with TemporaryDirectory(prefix="vistadream-sfm-", ignore_cleanup_errors=True) as folder:
            work = Workspace(Path(folder), views, seed)
            work._write_pictures()
            yield work

    def _write_pictures(self) -> None:
        """pictures/00000.png and so on; masks/00000.png.png, as COLMAP names them, where a View has ignored pixels."""
        (self.folder / "pictures").mkdir()
        for i, view in enumerate(self.views):
            file = f"{i:05d}.png"
            Image.fromarray(to_uint8(view.rgb)).save(self.folder / "pictures" / file, compress_level=1)
            if not bool(view.supervise.all()):
                (self.folder / "masks").mkdir(exist_ok=True)
                Image.fromarray(view.supervise.cpu().numpy()).convert("L").save(self.folder / "masks" / f"{file}.png")

    def run(self, task: str, **request: Any) -> Arrays:
        """The arrays that a task of COLMAP's process returns; UserError when it fails."""
        return run_task(self.folder, task, f"{task} the photos", "register", seed=self.seed, **request)

    def triangulate(self, lenses: Sequence[Lens], cam_from_world: Sequence[Any], refine: bool) -> Arrays:
        """The model of points that fit the poses, one for each picture; `refine` adjusts poses and lenses too."""
        return self.run("triangulate", cameras=plain(lenses), cam_from_world=cam_from_world, refine=refine)
