"""`image=`: one picture file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vistadream.assets import sample_image
from vistadream.core import Camera, Note, Observer, UserError, View
from vistadream.core.knobs import FROM_1, Range, check_ranges
from vistadream.formats.picture import PictureFacts, read_picture
from vistadream.ops.image.pixels import Fit, fit_resolution, focal_px_from_35mm, is_lens, resample
from vistadream.sources.lens import Lens
from vistadream.sources.photo_view import photo_view


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
        fit = self._fit(picture)
        camera, focal_known, found_in = self._camera(picture, facts, fit)
        observe("load/size", Note(f"{picture.width}x{picture.height} pixels read, working at {fit.width}x{fit.height}"))
        observe("load/focal", Note(f"focal length {camera.fx:.0f} px at working size, from {found_in}"))
        return [photo_view(camera, resample(picture, fit), focal_known)]

    @property
    def _file(self) -> Path:
        return sample_image() if self.path is None else self.path

    def _fit(self, picture: Image.Image) -> Fit:
        try:
            return fit_resolution(picture.width, picture.height, self.max_resolution, self.multiple)
        except ValueError as error:
            raise UserError(
                f"{self._file} is too small or too narrow: {error}; wanted at least {self.multiple} pixels on each "
                "side: use a larger picture, crop it, or raise max_resolution"
            ) from error

    def _camera(self, picture: Image.Image, facts: PictureFacts, fit: Fit) -> tuple[Camera, bool, str]:
        """The working camera, whether its focal length is known, and where that was found."""
        focal_px, found_in = self._known_focal(picture, facts)
        known = focal_px is not None
        if focal_px is None:
            focal_px = self.lens.guessed_focal_px(picture.width, picture.height)
        cx, cy = self.lens.principal_of(picture.width, picture.height)
        s, (left, top, _, _) = fit.scale, fit.box
        principal = ((cx - left) * s, (cy - top) * s)
        return Camera.from_focal(focal_px * s, fit.width, fit.height, principal), known, found_in

    def _known_focal(self, picture: Image.Image, facts: PictureFacts) -> tuple[float | None, str]:
        """The focal length in pixels of the picture on disk, None where nothing says it, and where it was found."""
        if (focal_px := self.lens.focal_px) is not None:
            if not is_lens(focal_px, max(picture.width, picture.height)):
                raise UserError(
                    f"camera.focal_px: got {focal_px} for a picture of {picture.width}x{picture.height} pixels; wanted "
                    "a field of view of 0.1 to 170 degrees: give the focal length in pixels of the photo as it is on "
                    "disk"
                )
            return focal_px, "camera.focal_px"
        if (focal_px := focal_px_from_35mm(facts.focal_35mm_mm, picture.width, picture.height)) is not None:
            return focal_px, "the photo's EXIF"
        return None, f"a guess of {self.lens.fov_x_deg:g} degrees, open to the depth model"
