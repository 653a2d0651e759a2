"""A folder with the pictures of some Views, on which COLMAP works, and what its tasks have finished there.

In a run it is the folder `sfm` of the stage: database.db and model/ are COLMAP's, and done/ has the result of each task
so that a killed run can use what was finished. Outside of a run it is temporary.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from vistadream.backends.poses.lenses import Lens, plain
from vistadream.colmap.process import Arrays, Task, run_task
from vistadream.core import View, current_work_folder
from vistadream.ops.image.pixels import to_uint8

_OTHERWISE = "use poses that come with the input"
_KEPT = ("database.db", "model", "done")


@dataclass(frozen=True)
class Workspace:
    """Pictures of Views as files, which COLMAP's tasks read one after the other. The first task is `match`."""

    folder: Path
    views: Sequence[View]
    seed: int

    @staticmethod
    @contextmanager
    def of(views: Sequence[View], seed: int) -> Iterator[Workspace]:
        """Writes the pictures; at the end it removes all but what is kept in the folder of a stage."""
        with _folder() as folder:
            work = Workspace(folder, views, seed)
            try:
                work._clear()
                work._write_pictures()
                yield work
            finally:
                work._clear()

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.is_dir() and path.name not in _KEPT:
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in _KEPT:
                path.unlink()

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
        """The arrays that a task of COLMAP's process returns, or has returned before; UserError when it fails."""
        words = {"seed": self.seed, **request}
        done = self.folder / "done" / f"{task}-{_digest(words | {'files': self._digests})}.npz"
        if not done.exists():
            if task == "match":
                shutil.rmtree(done.parent, ignore_errors=True)  # the other tasks used the database that goes now
            result = run_task(self.folder, Task(task, f"{task} the photos", "register", _OTHERWISE), **words)
            done.parent.mkdir(exist_ok=True)
            result.replace(done)
        with np.load(done, allow_pickle=False) as arrays:
            return dict(arrays)

    @cached_property
    def _digests(self) -> dict[str, str]:
        """The digests of the pictures and masks."""
        files = sorted(path for folder in ("pictures", "masks") for path in (self.folder / folder).glob("*"))
        return {str(file.relative_to(self.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    def triangulate(self, lenses: Sequence[Lens], cam_from_world: Sequence[Any], refine: bool) -> Arrays:
        """The model of points that fit the poses, one for each picture; `refine` adjusts poses and lenses too."""
        return self.run("triangulate", cameras=plain(lenses), cam_from_world=cam_from_world, refine=refine)


@contextmanager
def _folder() -> Iterator[Path]:
    if stage := current_work_folder():
        (stage / "sfm").mkdir(parents=True, exist_ok=True)
        yield stage / "sfm"
    else:
        with TemporaryDirectory(prefix="vistadream-sfm-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def _digest(words: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]
