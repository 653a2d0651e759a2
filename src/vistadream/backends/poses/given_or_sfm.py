"""Poses that the input brings where all photos have one; from the pictures alone otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from vistadream.backends.poses.given import GivenPoses
from vistadream.backends.poses.matching import Matching
from vistadream.backends.poses.sfm import SfmPoses
from vistadream.backends.poses.starts import Mapper
from vistadream.backends.poses.unit import in_unit_of
from vistadream.core import Note, Registration, View


@dataclass(frozen=True)
class GivenOrSfmPoses(Matching):
    """`GivenPoses` when every View has a pose, else `SfmPoses`, in the world of the poses that some Views have."""

    refine: bool
    """Whether given poses are only a start, and are adjusted to the pictures."""
    mapper: Mapper
    """How photos without poses are registered: photo after photo, or all at once."""

    def __call__(self, views: Sequence[View]) -> Registration:
        matching = {each.name: getattr(self, each.name) for each in fields(Matching)}
        if all(view.pose_known for view in views):
            return GivenPoses(**matching, refine=self.refine)(views)
        found = SfmPoses(**matching, mapper=self.mapper)(views)
        posed = sum(view.pose_known for view in views)
        if not posed:
            return found
        said = Note(f"{posed} of {len(views)} photos bring a pose: all were registered by their pictures instead")
        return replace(in_unit_of(views, found), remarks=(*found.remarks, said))
