"""Matches between the pictures of a Workspace that fit one rigid scene, and what they say about the photos."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.colmap.process import Arrays
from vistadream.core import UserError, View
from vistadream.ops.views.epipolar import homography_share

_TURNED = 0.95
"""The median share of matches that one homography explains from which on the camera only turned."""


@dataclass(frozen=True, eq=False)
class PairMatches:
    """The matches of two pictures, by their index."""

    first: int
    second: int
    px1: Float[Tensor, "n 2"]
    px2: Float[Tensor, "n 2"]


@dataclass(frozen=True)
class Matches:
    """The matches of all pairs that have any."""

    views: Sequence[View]
    pairs: tuple[PairMatches, ...]

    @staticmethod
    def of(arrays: Arrays, views: Sequence[View]) -> Matches:
        """From the arrays of the child's task `match`."""
        px1, px2 = (torch.from_numpy(arrays[name]).float() for name in ("px1", "px2"))
        ends = [0, *np.cumsum(arrays["counts"]).tolist()]
        return Matches(
            views,
            tuple(
                PairMatches(i, j, px1[begin:end], px2[begin:end])
                for (i, j), (begin, end) in zip(arrays["pairs"].tolist(), pairwise(ends), strict=True)
            ),
        )

    def most(self) -> dict[str, int]:
        """For each View the number of matches with the picture that it matches best."""
        found = dict.fromkeys((view.name for view in self.views), 0)
        for pair in self.pairs:
            for i in (pair.first, pair.second):
                name = self.views[i].name
                found[name] = max(found[name], len(pair.px1))
        return found

    def homography_share(self) -> float:
        """The median over the pairs of the share of matches that one homography explains; NaN without pairs."""
        shares = [homography_share(pair.px1, pair.px2) for pair in self.pairs]
        known = [share for share in shares if not math.isnan(share)]
        return statistics.median(known) if known else math.nan

    def require_parallax(self) -> float:
        """`homography_share`; UserError when it says that nothing moved against the background."""
        share = self.homography_share()
        if share >= _TURNED:
            raise UserError(
                f"the {len(self.views)} photos were taken from one place, or show one flat surface: the camera only "
                f"turned ({share:.0%} of the matches fit a turn), and depth cannot be measured from that; wanted "
                "photos from different places: step to the side between them, or give a single photo to single-img"
            )
        return share
