"""The knobs of matching, which every pose estimator has, and the matches of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vistadream.backends.poses.groups import Lens, lenses_of, pairs_of
from vistadream.backends.poses.matches import Matches
from vistadream.backends.poses.workspace import Arrays, Workspace
from vistadream.core.knobs import FROM_1, check_ranges

_STEP = 8
"""Of many photos every eighth is compared with every other eighth."""


@dataclass(frozen=True)
class Matching:
    """Finds SIFT features in the pictures, and matches between pairs of pictures."""

    seed: int
    features: int
    """The most features of one picture."""
    exhaustive_up_to: int
    """Up to this number of photos every pair is compared; more are taken for a sequence, as from a video."""
    overlap: int
    """The number of following photos with which each photo of a sequence is compared."""

    def __post_init__(self) -> None:
        check_ranges(self, features=FROM_1, exhaustive_up_to=FROM_1, overlap=FROM_1)

    def match(self, work: Workspace) -> Matches:
        """The matches of the pictures in a workspace."""
        lenses, lens_of = lenses_of(work.views)
        pairs = pairs_of(len(work.views), self.exhaustive_up_to, self.overlap, _STEP)
        arrays = work.run("match", cameras=plain(lenses), camera_of=lens_of, pairs=pairs, features=self.features)
        return Matches.of(arrays, work.views)


def plain(lenses: Sequence[Lens]) -> list[dict[str, Any]]:
    """The lenses as data for JSON."""
    return [asdict(lens) for lens in lenses]


def triangulate(work: Workspace, lenses: Sequence[Lens], cam_from_world: Sequence[Any], refine: bool) -> Arrays:
    """The model of points that fit the poses, one for each picture; with `refine` poses and lenses are adjusted too."""
    return work.run("triangulate", cameras=plain(lenses), cam_from_world=cam_from_world, refine=refine)
