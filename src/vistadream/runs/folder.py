"""The folder of a run while it is worked on: files are written completely or not at all."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vistadream.core import Scene, UserError
from vistadream.formats import files
from vistadream.formats.camera_file import camera_files
from vistadream.formats.files import write_json
from vistadream.formats.scene import load_scene, reading, save_scene
from vistadream.runs.lock import locked
from vistadream.runs.paths import RunPaths


@dataclass(frozen=True)
class RunFolder(RunPaths):
    """The folder of one run. The folder of a stage exists only when it is complete."""

    @staticmethod
    def make(first: Path, order: tuple[str, ...] = ()) -> RunFolder:
        """Creates a new folder: `first`, or if that exists, its name with .2, .3 and so on."""
        with write_errors(first):
            first.parent.mkdir(parents=True, exist_ok=True)
            for n in itertools.count(1):
                root = first if n == 1 else first.with_name(f"{first.name}.{n}")
                with suppress(FileExistsError):
                    root.mkdir()
                    break
        return RunFolder(root, order)

    def checkpoint(self, name: str) -> Path:
        """The saved state of a stage's fit; it exists only while the stage runs, or after it was killed."""
        return self.root / f"{self.stage(name).name}.checkpoint.safetensors"

    def work(self, name: str) -> Path:
        """Files on which a stage works; the folder exists only while the stage runs, or after it was killed."""
        return self.root / f"{self.stage(name).name}.work"

    def seen(self, name: str) -> Path:
        """The data that the observer recorded of a stage, for the report."""
        return self.stage(name) / "seen"

    def holds_work(self) -> bool:
        """Whether any stage has finished, or has left a checkpoint or files on which it worked."""
        parts = (self.stage, self.checkpoint, self.work)
        return any(part(name).exists() for name in self.order for part in parts)

    def remove(self) -> None:
        """Removes the folder, and also its parent folder if that is then empty."""
        shutil.rmtree(self.root, ignore_errors=True)
        with suppress(OSError):
            self.root.parent.rmdir()

    def kept_input(self, path: Path) -> Path:
        """The path of the run's copy of a file or folder that it reads."""
        return self.root / "inputs" / Path(os.path.normpath(path)).name

    def keep_input(self, path: Path) -> None:
        """Copies a file with cameras, or the files of a COLMAP model, into the folder of the run."""
        copy = self.kept_input(path)
        if path == copy:
            return
        for file in camera_files(path):
            with self.replace(copy / file.name if path.is_dir() else copy) as draft:
                shutil.copyfile(file, draft)

    def at_hand(self, path: Path) -> Path:
        """`path`, or the run's copy of it if `path` does not exist any more."""
        copy = self.kept_input(path)
        return copy if os.path.exists(copy) and not os.path.exists(os.path.expanduser(path)) else path

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Locks the folder against other processes until the block ends or this process dies.

        Yields False on a disk without locks, where only the file run.lock keeps other processes out. Raises UserError
        with the process that uses the folder. The file with the system's lock is run.log, which no run ever replaces.
        """
        with write_errors(self.log):
            self.log.touch()
        with locked(self.log, self.root / "run.lock") as by_system:
            yield by_system

    def refuse_links(self) -> None:
        """UserError when the folder contains a link or a device, through which other files would be read or written."""
        for path in self.root.rglob("*"):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise UserError(
                    f"{path} is a link or a device; wanted a run folder of plain files: copy it with cp -rL, which "
                    "puts the files themselves in place of links"
                )

    def drafts(self) -> list[Path]:
        """The unfinished files that a killed run left."""
        return files.drafts(self.root)

    def clear_drafts(self) -> None:
        """Removes the unfinished files that a killed run left, and moves back a folder that it was replacing."""
        for draft in self.drafts():
            files.settle(draft)

    def save_stage(self, name: str, scene: Scene, done: dict, also: Callable[[Path], None]) -> None:
        """Writes a stage under a temporary name and renames it. Removes the later stages, which came from the old one.

        `also` can write more into the new folder; what the stage left in its work folder moves there. Raises UserError
        when the disk is full or cannot be written; then nothing that was finished is changed.
        """
        target = self.stage(name)
        with write_errors(target), files.new_folder(target) as draft:
            save_scene(scene, draft, self._stage_before(name))
            also(draft)
            if self.work(name).exists():
                for part in self.work(name).iterdir():
                    part.rename(draft / part.name)
            write_json(draft / "done.json", done)
            self._drop_what_builds_on(name)  # first: a killed run must not leave results of an older scene

    def adopt_stage(self, name: str, other: RunFolder) -> None:
        """Takes a finished stage from the folder of another run, by hard links if the disk has them."""
        target = self.stage(name)
        with write_errors(target), files.new_folder(target) as draft:
            shutil.copytree(other.stage(name), draft, copy_function=files.link_or_copy, dirs_exist_ok=True)
            self._drop_what_builds_on(name)

    def _stage_before(self, name: str) -> Path | None:
        """The folder of the last finished stage before that one; None when there is none."""
        earlier = [self.stage(stage) for stage in self.order[: self.order.index(name)]]
        return next((folder for folder in reversed(earlier) if folder.is_dir()), None)

    def _drop_what_builds_on(self, name: str) -> None:
        later = self.order[self.order.index(name) + 1 :]
        for stage in later:
            shutil.rmtree(self.stage(stage), ignore_errors=True)
        for stage in (name, *later):
            self.checkpoint(stage).unlink(missing_ok=True)
            files.remove(self.work(stage))

    def load_stage(self, name: str) -> Scene:
        """The Scene that a finished stage saved; UserError when its files are damaged."""
        return load_scene(self.stage(name))

    def reading(self, name: str) -> AbstractContextManager[None]:
        """Turns errors of the block, which reads the files of a finished stage, into a UserError."""
        return reading(self.stage(name))

    @contextmanager
    def replace(self, target: Path) -> Iterator[Path]:
        """A temporary path, which is renamed to `target` when the block succeeds, and removed otherwise.

        The block can also write a folder, if `target` does not exist.
        """
        with write_errors(target), files.new_file(target) as draft:
            yield draft


@contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """UserError when the block cannot write `target`, in place of the system's error."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {target}: {error.strerror or error}; wanted a writable folder with free space: free some or "
            "choose another with out=FOLDER, then go on with resume="
        ) from error
