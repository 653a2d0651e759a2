"""What became of each photo of an input: whether it is used, or why not, and where its focal length was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from vistadream.core import Summary, View
from vistadream.ops.views.selection import too_many

_LINES = 20
"""Photos that get a line of their own."""


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
    """A line for each photo that is not used, up to `_LINES`, and one for all that are only too many."""
    extra = sum(report.reason == too_many(most) for report in reports)
    lines = [f"{each.name} is not used: {each.reason}" for each in reports if each.reason not in (None, too_many(most))]
    yield from lines[:_LINES]
    if len(lines) > _LINES:
        yield f"{len(lines) - _LINES:,} more are not used; the summary of the stage load has the reason of each"
    if extra:
        yield f"{extra:,} of {len(reports):,} pictures are not used, since max_views is {most}"


def photo_summary(reports: Sequence[PhotoReport], views: Sequence[View]) -> Summary:
    """All reports as one line and as data."""
    sizes = sorted({f"{view.camera.width}x{view.camera.height}" for view in views})
    at = f"{sizes[0]} pixels" if len(sizes) == 1 else f"{len(sizes)} sizes"
    lenses = sorted({report.focal_from for report in reports if report.focal_from})
    text = f"{len(views)} of {len(reports)} photos are used, at {at}; focal length from {' and '.join(lenses)}"
    return Summary(text if views else "no photo can be used", {"photos": [report.to_json() for report in reports]})
