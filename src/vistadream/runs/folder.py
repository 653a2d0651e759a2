"""Every path and file name of a run: knows what is finished, and writes whole or not at all."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vistadream.core import Scene, UserError
from vistadream.formats import files
from vistadream.formats.files import write_json
from vistadream.formats.json_file import read_json
from vistadream.formats.scene import load_scene, reading, save_scene
from vistadream.runs.lock import locked

_SCENES = {"compressed_ply": "gaussians.compressed.ply", "html": "viewer.html"}
"""Files of the scene's formats whose name is not simply gaussians.<format>."""
_STAGE = re.compile(r"(\d\d)_(\w+)")
"""Names of stages' folders."""


@dataclass(frozen=True)
class RunFolder:
    """One run's folder. A stage's folder exists only when it is complete."""

    root: Path
    order: tuple[str, ...] = ()
    """All stages of the job; the number in a stage's folder is its place here. Empty: read from the folders on disk."""

    @staticmethod
    def make(first: Path, order: tuple[str, ...] = ()) -> RunFolder:
        """A new folder: `first`, or when that is taken, with .2, .3 and so on behind its name."""
        with _write_errors(first):
            first.parent.mkdir(parents=True, exist_ok=True)
            for n in itertools.count(1):
                root = first if n == 1 else first.with_name(f"{first.name}.{n}")
                with suppress(FileExistsError):
                    root.mkdir()
                    break
        return RunFolder(root, order)

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

    def new_recording(self) -> Path:
        """run.rrd; when the run is resumed, run.2.rrd and so on, so that what was seen before is kept."""
        n, path = 1, self.root / "run.rrd"
        while path.exists():
            n += 1
            path = self.root / f"run.{n}.rrd"
        return path

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def gaussians(self) -> Path:
        return self.scene("ply")

    def scene(self, form: str) -> Path:
        """The exported Gaussians in one of the exporters' FORMATS."""
        return self.root / "export" / _SCENES.get(form, f"gaussians.{form}")

    def video(self, picture: str, form: str) -> Path:
        """A flight through the scene: of its colors ("rgb") or of another picture, as mp4, gif or webp."""
        return self.root / "export" / f"scene{'' if picture == 'rgb' else f'_{picture}'}.{form}"

    @property
    def dataset(self) -> Path:
        """The exported views with their priors, a folder."""
        return self.root / "export" / "fastgs"

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

    def checkpoint(self, name: str) -> Path:
        """The state of the fit that a stage is at; there only while the stage works, or after it was killed."""
        return self.root / f"{self.stage(name).name}.checkpoint.safetensors"

    def seen(self, name: str) -> Path:
        """What the observer recorded of a stage, for the report."""
        return self.stage(name) / "seen"

    def holds_work(self) -> bool:
        """Whether a stage has finished or has left a checkpoint."""
        return any(self.stage(name).exists() or self.checkpoint(name).exists() for name in self.order)

    def remove(self) -> None:
        """Removes the folder, and the folder above it when that is then empty."""
        shutil.rmtree(self.root, ignore_errors=True)
        with suppress(OSError):
            self.root.parent.rmdir()

    def kept_input(self, path: Path) -> Path:
        """Where the run keeps its own copy of a file or folder that it reads."""
        return self.root / "inputs" / Path(os.path.normpath(path)).name

    def keep_input(self, path: Path) -> None:
        """Copies a file, or a folder's files with cameras, into the run's folder."""
        copy = self.kept_input(path)
        for file in camera_files(path) if path.is_dir() else [path]:
            with self.replace(copy / file.name if path.is_dir() else copy) as draft:
                shutil.copyfile(file, draft)

    def facts(self) -> dict:
        """What run.json says; nothing where there is no whole one."""
        try:
            facts = read_json(self.run_json, finite=False)
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Keeps other processes out of the folder until the block ends or this process dies.

        False where the disk has no locks, so that only the file run.lock keeps them out. Raises UserError that names
        the process that is in. The system's lock is on run.log, which no run ever replaces.
        """
        with _write_errors(self.log):
            self.log.touch()
        with locked(self.log, self.root / "run.lock") as by_system:
            yield by_system

    def refuse_links(self) -> None:
        """UserError when the folder holds a link or a device, through which other files would be read or written."""
        for path in self.root.rglob("*"):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise UserError(
                    f"{path} is a link or a device; wanted a run folder of plain files: copy it with cp -rL, which "
                    "puts the files themselves in place of links"
                )

    def drafts(self) -> list[Path]:
        """What a killed run left half-written."""
        return files.drafts(self.root)

    def clear_drafts(self) -> None:
        """Removes what a killed run left half-written."""
        for draft in self.drafts():
            files.remove(draft)

    def finished(self, name: str) -> dict | None:
        """What done.json says of a stage, or None when the stage is not finished."""
        try:
            done = read_json(self.stage(name) / "done.json")
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return done if isinstance(done, dict) else None

    def save_stage(self, name: str, scene: Scene, done: dict, also: Callable[[Path], None]) -> None:
        """Writes a stage beside its place and renames it there; drops the stages and results that built on the old one.

        `also` may write more into the new folder. Raises UserError when the disk is full or may not be written; what
        was there stays.
        """
        target = self.stage(name)
        with _write_errors(target), files.new_folder(target) as draft:
            save_scene(scene, draft, self._stage_before(name))
            also(draft)
            write_json(draft / "done.json", done)
            self._drop_what_builds_on(name)  # before: a kill in between leaves nothing that belongs to an older scene

    def adopt_stage(self, name: str, other: RunFolder) -> None:
        """Takes a finished stage from another run's folder, by hard links where the disk has them."""
        target = self.stage(name)
        with _write_errors(target), files.new_folder(target) as draft:
            shutil.copytree(other.stage(name), draft, copy_function=files.link_or_copy, dirs_exist_ok=True)
            self._drop_what_builds_on(name)

    def _stage_before(self, name: str) -> Path | None:
        """The folder of the last stage before that one, if there is one."""
        earlier = [self.stage(stage) for stage in self.order[: self.order.index(name)]]
        return next((folder for folder in reversed(earlier) if folder.is_dir()), None)

    def _drop_what_builds_on(self, name: str) -> None:
        later = self.order[self.order.index(name) + 1 :]
        for stage in later:
            shutil.rmtree(self.stage(stage), ignore_errors=True)
        for stage in (name, *later):
            self.checkpoint(stage).unlink(missing_ok=True)
        self._drop_results()

    def keep_results_of(self, stage: str) -> None:
        """Drops the results unless metrics.json, which is written last, says that they were made from this stage."""
        try:
            made_from = read_json(self.metrics, finite=False)["stage"]
        except (OSError, ValueError, KeyError, TypeError):
            made_from = None
        if made_from != stage:
            with _write_errors(self.metrics):
                self._drop_results()

    def exported(self) -> list[Path]:
        """What export/ holds of this run, files and the dataset's folder, by name."""
        exported = [*self.root.glob("export/gaussians.*"), *self.root.glob("export/scene*.*")]
        return sorted([*exported, *filter(Path.exists, (self.scene("html"), self.dataset))])

    def _drop_results(self) -> None:
        for result in (self.metrics, self.report, *self.exported()):
            if result == self.dataset:
                shutil.rmtree(result, ignore_errors=True)
            else:
                result.unlink(missing_ok=True)

    def load_stage(self, name: str) -> Scene:
        """The Scene that a finished stage left; UserError when something has damaged it since."""
        return load_scene(self.stage(name))

    def reading(self, name: str) -> AbstractContextManager[None]:
        """UserError in place of what goes wrong in the block, which reads a finished stage's files."""
        return reading(self.stage(name))

    @contextmanager
    def replace(self, target: Path) -> Iterator[Path]:
        """A path to write a file beside `target`; renamed to it when the block ends well, removed otherwise.

        It may become a folder too, where `target` is not there, if the block leaves a whole one or none.
        """
        with _write_errors(target), files.new_file(target) as draft:
            yield draft


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {target}: {error.strerror or error}; wanted a writable folder with free space: free some or "
            "choose another with out=FOLDER, then go on with resume="
        ) from error


def camera_files(folder: Path) -> list[Path]:
    """Those of a COLMAP model, as text or binary."""
    return sorted([*folder.glob("*.txt"), *folder.glob("*.bin")])
