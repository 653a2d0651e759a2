"""The focal lengths from which models grow, and what each of them led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from vistadream.backends.poses.lenses import Lens

MANY = 30
"""More photos than this fix the focal length so well that fewer starts are enough."""


@dataclass(frozen=True)
class Start:
    """Focal lengths from which a model grows."""

    name: str
    lenses: tuple[Lens, ...]
    calibrate: bool = False
    """Whether they are to be replaced by those that agree with the matches of all pairs."""


def starts_of(lenses: Sequence[Lens], photos: int) -> list[Start]:
    """Several focal lengths to start from, since a model that grows from a wrong one may never find the right one."""
    own = Start("given or guessed", tuple(lenses))
    normal, tele = (Start(f"{f:g} long sides", tuple(lens.guessed(f) for lens in lenses)) for f in (1.2, 1.8))
    if all(lens.known for lens in lenses):
        free = tuple(Lens(**(asdict(lens) | {"known": False})) for lens in lenses)
        return [own, Start("given, not trusted", free), Start("1.2 long sides", tuple(f.guessed(1.2) for f in free))]
    calibrated = Start("agrees with all pairs", normal.lenses, calibrate=True)
    return [own, calibrated] if photos > MANY else [own, calibrated, normal, tele]


def told(starts: Sequence[Start], scores: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
    """What each start led to, as data for JSON; later ones are missing when the first ones agreed."""
    return {
        start.name: {"registered": int(n), "points": int(points), "reprojection_error_px": error_px, "support": support}
        for start, (n, points, error_px, support) in zip(starts, scores, strict=False)
    }
