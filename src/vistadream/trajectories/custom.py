"""`trajectory=custom`: a path through cameras from a file of the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch

from vistadream.core import Camera, Scene, UserError
from vistadream.core.knobs import ABOVE_0, check_ranges
from vistadream.formats.camera_entry import Entry
from vistadream.formats.camera_file import camera_files, read_cameras
from vistadream.ops.camera_path.spline import through


@dataclass(frozen=True)
class Custom:
    """A smooth path through the cameras of a file at evenly spaced times. The file is read at once to find faults."""

    path: Path
    """A JSON list of cameras, a nerfstudio camera path, or a folder with a COLMAP model, as text or binary."""
    place: Literal["world", "photo"]
    """world: the cameras keep the poses of the file, in the run's world, whose origin is the photo's camera.
    photo: all cameras are moved together so that the first one is at the photo's pose."""
    scale: float
    """Units of the scene's depth in one unit of the file."""
    lens: Literal["photo", "file"]
    """photo: every camera has the photo's focal length and size. file: every camera has those of the file."""

    def __post_init__(self) -> None:
        check_ranges(self, scale=ABOVE_0)
        if len(self._entries) < 2:
            raise UserError(f"{self.path}: holds {len(self._entries)} camera(s); wanted two or more for a path")
        if self.lens == "file":
            _ = self._file_lenses  # finds faults before the run

    def inputs(self) -> Sequence[Path]:
        return camera_files(self.path)

    def __call__(self, scene: Scene, n: int) -> list[Camera]:
        """The first and the last camera of the path are those of the file."""
        photo = scene.anchor.camera
        poses = torch.stack([entry.cam_from_world for entry in self._entries])
        if self.place == "photo":
            poses = poses @ torch.linalg.inv(poses[0])
        poses[:, :3, 3] *= self.scale
        if self.place == "photo":
            poses = poses @ photo.cam_from_world
        path = through(poses, torch.arange(len(poses), dtype=poses.dtype), n)
        return [lens.at(pose) for lens, pose in zip(self._lenses(photo, n), path, strict=True)]

    def scaled(self, _factor: float, /) -> Custom:
        return self

    @cached_property
    def _entries(self) -> list[Entry]:
        return read_cameras(self.path)

    @cached_property
    def _file_lenses(self) -> list[Camera]:
        """The intrinsics of the file; UserError unless all cameras are pinholes of one size."""
        lenses: list[Camera] = []
        for entry in self._entries:
            if entry.lens is None:
                raise UserError(f"{entry.where}: has no pinhole lens; wanted one, or trajectory.lens=photo")
            lenses.append(entry.lens)
            first, lens = lenses[0], entry.lens
            if (lens.width, lens.height) != (first.width, first.height):
                raise UserError(
                    f"{entry.where}: is {lens.width}x{lens.height} pixels; wanted {first.width}x{first.height} as the "
                    "first: make all of one size, or trajectory.lens=photo"
                )
        return lenses

    def _lenses(self, photo: Camera, n: int) -> list[Camera]:
        """n cameras for the intrinsics; between those of the file they are interpolated linearly, as in a zoom."""
        if self.lens == "photo":
            return [photo] * n
        K = torch.stack([lens.K for lens in self._file_lenses])
        time = torch.linspace(0, len(K) - 1, n)
        before = time.long().clamp(max=len(K) - 2)
        mixed = torch.lerp(K[before], K[before + 1], (time - before)[:, None, None])
        return [replace(self._file_lenses[0], K=k) for k in mixed]
