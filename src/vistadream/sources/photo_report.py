"""What became of each photo of an input: whether it is used, or why not, and where its focal length was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from vistadream.core import Summary, View
from vistadream.ops.views.selection import too_many


@dataclass(frozen=True)
class PhotoReport:
    """What became of one photo."""

    name: str
    """As people know it."""
    reason: str | None = None
    """Why it is not used; None: it is."""
    view: str | None = None
    """The name of its View."""
    size: tuple[int, int] | None = None
    """Width and height of the photo in pixels."""
    focal_px: float | None = None
    """In pixels of the photo."""
    focal_from: str | None = None
    """Where the focal length was found, as a phrase."""

    @property
    def used(self) -> bool:
        return self.reason is None

    def to_json(self) -> dict:
        """The report as data."""
        return asdict(self) | {"used": self.used}


def unused_lines(reports: Sequence[PhotoReport], most: int) -> Iterator[str]:
    """A line for each photo that is not used, and one for all that are only too many."""
    extra = [report.name for report in reports if report.reason == too_many(most)]
    for report in reports:
        if report.reason and report.name not in extra:
            yield f"{report.name} is not used: {report.reason}"
    if extra:
        yield f"{len(extra):,} of {len(reports):,} pictures are not used, since max_views is {most}"


def photo_summary(reports: Sequence[PhotoReport], views: Sequence[View]) -> Summary:
    """All reports as one line and as data."""
    sizes = sorted({f"{view.camera.width}x{view.camera.height}" for view in views})
    at = f"{sizes[0]} pixels" if len(sizes) == 1 else f"{len(sizes)} sizes"
    lenses = sorted({report.focal_from for report in reports if report.focal_from})
    text = f"{len(views)} of {len(reports)} photos are used, at {at}; focal length from {' and '.join(lenses)}"
    return Summary(text if views else "no photo can be used", {"photos": [report.to_json() for report in reports]})
