"""`image=`: one picture file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vistadream.assets import sample_image
from vistadream.core import Note, Observer, View
from vistadream.core.knobs import FROM_1, Range, check_ranges
from vistadream.formats.picture import read_picture
from vistadream.ops.image.pixels import resample
from vistadream.sources.lens import Lens
from vistadream.sources.photo_view import photo_view
from vistadream.sources.working_size import fitted, working_fit


@dataclass(frozen=True)
class ImageFile:
    """Reads a picture upright in sRGB, at a working resolution that never enlarges and never stretches."""

    path: Path | None
    """None: the sample that comes with VistaDream."""
    max_resolution: int
    """Long side of the working picture in pixels, at most."""
    multiple: int
    """Working sides are multiples of this number of pixels; the surplus is cropped evenly."""
    lens: Lens

    def __post_init__(self) -> None:
        check_ranges(self, multiple=FROM_1)
        check_ranges(self, max_resolution=Range(4 * self.multiple))

    @property
    def name(self) -> str:
        return self._file.stem

    def inputs(self) -> Sequence[Path]:
        return [self._file]

    def __call__(self, observe: Observer) -> Sequence[View]:
        picture, facts = read_picture(self._file)
        for remark in facts.remarks:
            observe("load/metadata", Note(f"{self._file}: {remark}", "warning"))
        fit = working_fit(self._file, picture.width, picture.height, self.max_resolution, self.multiple)
        lens = self.lens.of_photo(picture.width, picture.height, facts.focal_35mm_mm)
        camera = fitted(lens.camera, fit)
        observe("load/size", Note(f"{picture.width}x{picture.height} pixels read, working at {fit.width}x{fit.height}"))
        guessed = "" if lens.focal_known else ", open to the depth model"
        observe("load/focal", Note(f"focal length {camera.fx:.0f} px at working size, from {lens.found_in}{guessed}"))
        return [photo_view(camera, resample(picture, fit), lens.focal_known)]

    @property
    def _file(self) -> Path:
        return sample_image() if self.path is None else self.path
