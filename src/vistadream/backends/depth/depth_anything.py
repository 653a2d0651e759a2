"""Depth, confidence and poses by Depth Anything 3, through the network of its own package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vistadream.backends.depth_anything.estimate import Answer, predictions
from vistadream.backends.depth_anything.frames import Frames
from vistadream.backends.depth_anything.network import Network, Request
from vistadream.core import DepthPrediction, View


@dataclass(frozen=True)
class DepthAnything(Network):
    """Depth Anything 3 as a depth model.

    Views of one call are processed together and get poses relative to the first view, whose pose is kept; the scale is
    arbitrary. da3mono-large and da3metric-large predict the sky instead: they process each view on its own and give
    neither confidence nor poses. da3metric-large gives meters. The picture is padded so that the principal point is at
    the center; a known focal length is kept.
    """

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction per view, on the view's device; in meters with da3metric-large and a known focal length.

        Raises UserError without the package, the weights or their license, or with the weights of another model.
        """
        if not views:
            return []
        frames = Frames.of(views)
        return predictions(self, [Answer(frames, self.infer(frames.pictures(), Request()))])[0]
