"""The focal lengths from which models grow, and what each of them led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from vistadream.backends.poses.lenses import Lens, plain

Mapper = Literal["incremental", "global"]
"""How a model grows: photo after photo, or from the rotations between all pairs at once."""
MANY = 30
"""More photos than this fix the focal length so well that fewer starts are enough."""


@dataclass(frozen=True)
class Start:
    """Focal lengths from which a model grows."""

    name: str
    lenses: tuple[Lens, ...]
    calibrate: bool = False
    """Whether they are to be replaced by those that agree with the matches of all pairs."""
    mapper: Mapper = "incremental"

    def plain(self) -> dict[str, Any]:
        """The start as data for JSON."""
        return {"cameras": plain(self.lenses), "calibrate": self.calibrate, "mapper": self.mapper}


def starts_of(lenses: Sequence[Lens], photos: int, mapper: Mapper) -> list[Start]:
    """Several focal lengths to start from, since a model that grows from a wrong one may never find the right one.

    The global mapper always starts from focal lengths that agree with all pairs; those that are known stay.
    """
    normal, tele = (Start(f"{f:g} long sides", tuple(lens.guessed(f) for lens in lenses)) for f in (1.2, 1.8))
    calibrated = Start("agrees with all pairs", normal.lenses, calibrate=True, mapper=mapper)
    own = Start("given or guessed", tuple(lenses))
    known = all(lens.known for lens in lenses)
    free = tuple(replace(lens, known=False) for lens in lenses)
    if mapper == "global":
        return [calibrated, replace(calibrated, name="given, not trusted", lenses=free)] if known else [calibrated]
    if known:
        return [own, Start("given, not trusted", free), Start("1.2 long sides", tuple(f.guessed(1.2) for f in free))]
    return [own, calibrated] if photos > MANY else [own, calibrated, normal, tele]


def told(starts: Sequence[Start], scores: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """What each start led to, as data for JSON; later ones are missing when the first ones agreed."""
    return {
        start.name: {"registered": int(n), "points": int(points), "reprojection_error_px": error_px, "support": support}
        for start, (n, points, error_px, support) in zip(starts, scores, strict=False)
    }
