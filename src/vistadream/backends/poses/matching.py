"""The knobs of matching, which every pose estimator has, and the matches of a workspace."""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.backends.poses.lenses import lenses_of, plain
from vistadream.backends.poses.matches import Matches
from vistadream.backends.poses.workspace import Workspace
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


def pairs_of(count: int, exhaustive_up_to: int, overlap: int, step: int) -> list[tuple[int, int]]:
    """Which of `count` pictures are compared: all pairs of few pictures; of many, taken one after the other, each with
    its `overlap` successors, and every `step`-th picture with every other such picture."""
    near = count if count <= exhaustive_up_to else overlap
    return [
        (i, j) for i in range(count) for j in range(i + 1, count) if j - i <= near or (i % step == 0 and j % step == 0)
    ]
