"""Videos of a flight through the scene."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import UInt8

from vistadream.core import ExportContext, Rendering, Scene
from vistadream.core.knobs import FROM_1, check_choices, check_ranges
from vistadream.exporters.file_names import VIDEO_FORMATS, VIDEO_PICTURES, video_file
from vistadream.formats.files import new_file
from vistadream.formats.video import VideoFile
from vistadream.ops.image.colormap import depth_colors
from vistadream.ops.image.pixels import to_uint8


@dataclass(frozen=True)
class Videos:
    """One video for each picture and format. Each frame is rendered once for all of them."""

    place: ClassVar[Literal["export"]] = "export"

    pictures: list[str]
    """Some of VIDEO_PICTURES."""
    formats: list[str]
    """Some of VIDEO_FORMATS."""
    fps: int
    """Frames per second."""
    crf: int
    """x264's constant rate factor, for MP4."""

    def __post_init__(self) -> None:
        check_choices(self, pictures=VIDEO_PICTURES, formats=VIDEO_FORMATS)
        check_ranges(self, fps=FROM_1, crf=(0, 51))

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        """Writes the videos; none when no picture or no format is wanted, or when the scene has no Gaussians."""
        if not (self.pictures and self.formats and len(scene.gaussians)):
            return
        with_depth = set(self.pictures) != {"rgb"}
        near, far = 1.0, 2.0
        if with_depth:
            near, far = context.flight.depth_range()
        with ExitStack() as files:
            videos = [
                (picture, files.enter_context(self._video(target / video_file(picture, form))))
                for picture in self.pictures
                for form in self.formats
            ]
            for seen in context.flight(("rgb", "alpha", "z") if with_depth else ("rgb", "alpha")):
                frames = {picture: _frame(picture, seen, near, far) for picture in self.pictures}
                for picture, video in videos:
                    video(frames[picture])

    @contextmanager
    def _video(self, path: Path) -> Iterator[VideoFile]:
        with new_file(path) as draft, VideoFile(draft, self.fps, self.crf) as video:
            yield video


def _frame(picture: str, seen: Rendering, near: float, far: float) -> UInt8[np.ndarray, "h w 3"]:
    """One of VIDEO_PICTURES of a rendering; the colors of depth go from `near` to `far` in every frame."""
    if picture == "rgb":
        return to_uint8(seen.require("rgb"))
    depth = depth_colors(seen.require("z"), seen.require("alpha") >= 0.5, near, far)
    return depth if picture == "depth" else np.concatenate([to_uint8(seen.require("rgb")), depth], axis=1)
