"""Which shots of an input are worth using."""

from __future__ import annotations

from collections.abc import Sequence

from vistadream.core import Observer, UserError
from vistadream.core.messages import Progress
from vistadream.ops.views.selection import Look, rejections, thinned, too_many
from vistadream.sources.shot import Shot


def why_not(shots: Sequence[Shot], most: int, observe: Observer) -> list[str | None]:
    """For each shot the reason why it is not used, or None; at most `most` are used.

    Shots without a look, as an input with known cameras brings them, are only thinned.
    """
    if any(shot.look is None for shot in shots):
        kept = set(thinned([0.0] * len(shots), most))
        return [None if i in kept else too_many(most) for i in range(len(shots))]
    found: list[Look | str] = []
    for shot in shots:
        found.append(_look(shot))
        observe("load/photos/progress", Progress(len(found), len(shots)))
    seen = [(shot.name, look) for shot, look in zip(shots, found, strict=True) if isinstance(look, Look)]
    judged = iter(rejections([name for name, _ in seen], [look for _, look in seen], most))
    return [next(judged) if isinstance(look, Look) else look for look in found]


def _look(shot: Shot) -> Look | str:
    """The look of a shot, or why there is none."""
    assert shot.look is not None
    try:
        return shot.look()
    except UserError as error:
        return str(error)
