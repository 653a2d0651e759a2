"""Poses as `given_or_sfm` finds them, and by Depth Anything 3 where that registers too few photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from vistadream.backends.depth_anything.any_view import AnyView
from vistadream.backends.poses.depth_anything import DepthAnythingPoses, Misfit
from vistadream.backends.poses.given_or_sfm import GivenOrSfmPoses
from vistadream.core import Note, Registration, UserError, View

_ENOUGH = 0.8
"""The share of registered photos from which on Depth Anything 3 is not asked."""


@dataclass(frozen=True)
class SfmOrDepthAnythingPoses(GivenOrSfmPoses):
    """As `GivenOrSfmPoses`; when under 80 % of the Views are registered, Depth Anything 3 takes over.

    It does so only if its poses fit the matches of the pictures, or if there are no others.
    """

    NEEDS = AnyView.NEEDS

    network: AnyView

    def __call__(self, views: Sequence[View]) -> Registration:
        try:
            found = super().__call__(views)
        except UserError as error:  # Depth Anything 3 says the same where the photos themselves are the cause
            why = str(error).partition(";")[0]
            return _taken_over(self._other()(views), f"SfM registered none of {len(views)} photos ({why})")
        if len(found.cameras) >= _ENOUGH * len(views):
            return found
        why = f"SfM registered {len(found.cameras)} of {len(views)} photos"
        try:
            return _taken_over(self._other().placed(views, must_fit=True), why)
        except Misfit as misfit:
            said = Note(f"{why}; {misfit}: backends/poses=depth_anything takes them all the same")
            return replace(found, remarks=(*found.remarks, said))

    def _other(self) -> DepthAnythingPoses:
        """Depth Anything 3 with the same knobs."""
        return DepthAnythingPoses(**{each.name: getattr(self, each.name) for each in fields(DepthAnythingPoses)})


def _taken_over(other: Registration, why: str) -> Registration:
    said = Note(f"{why}: Depth Anything 3 took over and placed all of them")
    return replace(other, remarks=(said, *other.remarks))
