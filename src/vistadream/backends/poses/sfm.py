"""Poses from the pictures alone: COLMAP's incremental structure from motion, from several starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vistadream.backends.poses.lenses import lenses_of, plain
from vistadream.backends.poses.matches import Matches
from vistadream.backends.poses.matching import Matching
from vistadream.backends.poses.remarks import nothing_registered, on_focal
from vistadream.backends.poses.result import registration_of
from vistadream.backends.poses.starts import MANY, Mapper, starts_of, told
from vistadream.backends.poses.two_photos import map_pair
from vistadream.backends.poses.workspace import Workspace
from vistadream.colmap.process import Arrays
from vistadream.core import Note, Registration, View

_LEAST_SEEN = 40
"""The fewest points that the photos of a model see on average; a few dozen matches can fit by chance."""


@dataclass(frozen=True)
class SfmPoses(Matching):
    """Finds SIFT features, matches them, and registers photo after photo with bundle adjustment.

    Every start ends with a bundle adjustment in which wrong matches count little. The model with the most photos is
    kept, and of several the one that explains the most observations. A focal length that is known is kept if the
    pictures agree. The same seed gives the same bits: everything runs in one thread of a process of its own.
    """

    mapper: Mapper
    """`incremental` registers photo after photo; `global` all at once, faster, and on some sets wrongly."""

    def __call__(self, views: Sequence[View]) -> Registration:
        began_s = time.perf_counter()
        with Workspace.of(views, self.seed) as work:
            matches = self.match(work)
            share = matches.require_parallax()
            model, figures, remarks = self._map(work, matches)
        if len(model["px"]) < _LEAST_SEEN * len(model["images"]):
            raise nothing_registered(matches)
        figures |= {"homography_share": share, "matches": matches.most(), "seconds": time.perf_counter() - began_s}
        return registration_of(model, views, figures, remarks)

    def _map(self, work: Workspace, matches: Matches) -> tuple[Arrays, dict[str, Any], list[Note]]:
        if len(work.views) == 2:
            return map_pair(work, matches)
        lenses, _ = lenses_of(work.views)
        photos = len(work.views)
        starts = starts_of(lenses, photos, self.mapper)
        again = self.mapper == "incremental" and photos <= MANY
        requests = [start.plain() for start in starts]
        model = work.run("map", starts=requests, cameras=plain(lenses), pictures=photos, map_again=again)
        if "best" not in model:
            raise nothing_registered(matches)
        figures = {"start": starts[int(model["best"])].name, "starts": told(starts, model["scores"].tolist())}
        return model, figures, on_focal(model, work.views)
