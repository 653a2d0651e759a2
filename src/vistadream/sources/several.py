"""`input=`: several photos of one scene, in a folder or a list, or as a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vistadream.core import Note, Observer, UserError, View
from vistadream.core.knobs import Range, check_ranges
from vistadream.sources.input_paths import name_of_input
from vistadream.sources.lens import Lens
from vistadream.sources.photo_report import PhotoReport, photo_summary, unused_lines
from vistadream.sources.pictures import read_pictures
from vistadream.sources.posed.kinds import POSED
from vistadream.sources.recognize import Kind, Recognized, recognize
from vistadream.sources.shot import Reading, Shot
from vistadream.sources.shot_view import ShotViews
from vistadream.sources.video import read_video
from vistadream.sources.view_names import view_names
from vistadream.sources.working_size import working_fit
from vistadream.sources.worth import why_not

_LOOKED_AT = 4
"""Of a large number of pictures this many times `max_views` are looked at."""
_SAID = 3
"""Photos of which an error says why they are not used."""


@dataclass(frozen=True)
class SeveralPhotos:
    """Takes the pictures that are worth using, each at a working size as that of one photo."""

    input: Path | str | Sequence[Path | str] | None
    """A folder, a video, a file of cameras, a pattern such as photos/*.jpg, or a list of pictures."""
    kind: Literal[Kind, "auto"]
    """What the input is taken for; auto: what it looks like."""
    max_views: int
    """Of more pictures only this many are used, spread evenly."""
    fps: float
    """Of a video one picture is taken of each window of 1 / fps seconds."""
    max_resolution: int
    """Long side of the working pictures in pixels, at most."""
    multiple: int
    """Working sides are multiples of this number of pixels; the surplus is cropped evenly."""
    lens: Lens
    """What is known of the lens, which all photos share, unless they say it themselves."""

    def __post_init__(self) -> None:
        check_ranges(self, multiple=Range(1), max_views=Range(2), fps=Range(0, 60, above=True))
        check_ranges(self, max_resolution=Range(4 * self.multiple))

    @property
    def name(self) -> str:
        return name_of_input(self.input)

    def inputs(self) -> Sequence[Path]:
        found = self._found()
        return [found.place] if found.kind == "video" else self._read(found).files

    def __call__(self, observe: Observer) -> Sequence[View]:
        found = self._found()
        if found.also:
            observe("load/input", Note(_also(found)))
        reading = self._read(found)
        for remark in reading.remarks:
            observe("load/input", remark)
        reasons = why_not(reading.shots, self.max_views, observe)
        views, reports = self._views(reading.shots, reasons, observe)
        for line in unused_lines(reports, self.max_views):
            observe("load/photos/unused", Note(line))
        observe("load/photos", photo_summary(reports, views))
        if len(views) < 2:
            raise UserError(self._too_few(found, reports))
        return views

    def _found(self) -> Recognized:
        found = recognize(self.input, self.kind)
        if found.is_single:
            raise UserError(_single(found.pictures[0]))
        return found

    def _read(self, found: Recognized) -> Reading:
        most = _LOOKED_AT * self.max_views
        if found.kind == "video":
            return read_video(found.place, self.fps, most)
        if found.kind != "images":
            return POSED[found.kind].read(found.place)
        return read_pictures(found.pictures, most)

    def _views(
        self, shots: Sequence[Shot], reasons: Sequence[str | None], observe: Observer
    ) -> tuple[list[View], list[PhotoReport]]:
        """The Views of the shots against which there is no reason, and a report about every shot."""
        photos = zip(shots, view_names([shot.name for shot in shots]), reasons, strict=True)
        made = [self._photo(shot, name, reason, observe) for shot, name, reason in photos]
        return [view for view, _ in made if view], [report for _, report in made]

    def _photo(self, shot: Shot, name: str, reason: str | None, observe: Observer) -> tuple[View | None, PhotoReport]:
        try:
            if reason is not None:
                return None, PhotoReport(shot.name, reason)
            picture, facts = shot.read()
            working_fit(shot.name, *picture.size, self.max_resolution, self.multiple)
        except UserError as error:
            return None, PhotoReport(shot.name, str(error))
        for remark in facts.remarks:
            observe("load/metadata", Note(f"{shot.name}: {remark}", "warning"))
        make = ShotViews(self.max_resolution, self.multiple, self.lens)
        view, lens = make(name, shot, picture, facts)
        return view, PhotoReport(shot.name, None, name, picture.size, lens.camera.fx, lens.found_in)

    def _too_few(self, found: Recognized, reports: Sequence[PhotoReport]) -> str:
        wanted = "wanted two or more that show one scene from different places"
        if len(reports) == 1:
            return f"{found.words} gives only one picture; {wanted}: give a longer input, or the picture to single-img"
        why = "; ".join(list(unused_lines(reports, self.max_views))[:_SAID])
        return f"{found.words}: {sum(each.used for each in reports)} of {len(reports)} can be used; {wanted}: {why}"


def _single(picture: Path) -> str:
    return (
        f"{picture} is only one picture; wanted two or more of one scene: "
        f"`vistadream single-img image={picture}` makes a scene from one"
    )


def _also(found: Recognized) -> str:
    return f"taken: {found.words}; the input also holds {' and '.join(found.also)}: source.kind chooses"
