"""Several Views read together by Depth Anything 3, in chunks where there are many, with or without known poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch

from vistadream.backends.depth_anything.cameras import about_first, unit_ratio
from vistadream.backends.depth_anything.chunks import OVERLAP, chunks_of, joined
from vistadream.backends.depth_anything.estimate import Answer, predictions
from vistadream.backends.depth_anything.frames import Frames
from vistadream.backends.depth_anything.network import ANY_VIEW, Network, Request
from vistadream.backends.weights.policy import Policy
from vistadream.core import DepthPrediction, Note, Progress, View, tell
from vistadream.core.knobs import Range, check_ranges

_SMALLER = {Policy.HIGH: 1, Policy.BALANCED: 2, Policy.LOW: 4}
"""By this factor fewer Views are read together under each memory policy."""
_LEAST = 3
"""From this number of views on the network chooses the view that the others refer to."""


@dataclass(frozen=True)
class AnyView(Network):
    """The depth and the cameras of several Views. Where all their poses are known, these are a condition of the depth.

    The depth then has the unit of these poses, and the cameras are kept; otherwise the first View keeps its pose and
    the unit is arbitrary.
    """

    ref_view: Literal["auto", "first", "middle", "saddle_balanced", "saddle_sim_range"]
    """The view that the others refer to, where poses are unknown; auto: middle for a video, else saddle_balanced."""
    ray_pose: bool
    """Whether cameras are fitted to the rays that the network predicts, rather than decoded."""
    max_views: int
    """The most Views that are read together; more are read in chunks that share OVERLAP of them.

    Under the memory policy balanced half as many are read together, under low a quarter.
    """
    seed: int
    """For what is drawn at random: rays that are fitted, and cameras and points that are compared."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_knobs(("auto", *ANY_VIEW))
        check_ranges(self, max_views=Range(OVERLAP + 1))

    def __call__(self, views: Sequence[View]) -> list[DepthPrediction]:
        """One prediction per View. UserError as `Network.infer`, and when a focal length is neither known nor found."""
        posed = len(views) > 1 and all(view.pose_known for view in views)
        answers = self.run(partial(self._answers, views, self._ref_view(views, posed), posed))
        found = predictions(self, answers)
        if posed:
            found = [self._at_given(answer.views, each) for answer, each in zip(answers, found, strict=True)]
            return [*found[0], *(prediction for chunk in found[1:] for prediction in chunk[OVERLAP:])]
        return joined(found, self.seed)

    def _answers(self, views: Sequence[View], strategy: str, posed: bool, policy: Policy) -> list[Answer]:
        """What the network says of each chunk of the Views; with less memory the chunks are smaller."""
        most = max(OVERLAP + 1, self.max_views // _SMALLER[policy])
        answers: list[Answer] = []
        for chunk in (chunks := chunks_of(len(views), most)):
            answers.append(self._answer([views[i] for i in chunk], strategy, posed, policy))
            tell("depth_anything/progress", Progress(len(answers), len(chunks)))
        return answers

    def _answer(self, views: Sequence[View], strategy: str, posed: bool, policy: Policy) -> Answer:
        frames = Frames.of(views)
        request = Request(strategy, self.seed if self.ray_pose else None)
        if posed:
            poses = torch.stack([view.camera.cam_from_world.detach().cpu().float() for view in views])
            K = frames.intrinsics(*self.input_size(frames.width, frames.height))
            request = replace(request, cam_from_world=about_first(poses), K=K)
        return Answer(frames, self.infer_under(policy, frames.pictures(), request))

    def _ref_view(self, views: Sequence[View], posed: bool) -> str:
        """The strategy in the package's words; says where one that was asked for does nothing."""
        if self.ref_view == "auto":
            return "middle" if all(view.time_s is not None for view in views) else "saddle_balanced"
        if posed or len(views) < _LEAST:
            why = "their poses are known" if posed else f"there are only {len(views)} views, and it takes {_LEAST}"
            tell("depth_anything/ref_view", Note(f"ref_view={self.ref_view} does nothing here: {why}"))
        return self.ref_view

    def _at_given(self, views: Sequence[View], found: Sequence[DepthPrediction]) -> list[DepthPrediction]:
        """The predictions in the unit of the given poses, with the cameras as given."""
        cameras = [prediction.camera for prediction in found]
        ratio = unit_ratio(cameras, [view.camera for view in views], self.seed)
        if ratio is None:
            text = "the cameras stand on one line or are fewer than three: their poses do not fix the unit of the depth"
            tell("depth_anything/unit", Note(text))
        return [
            replace(each, z=each.z * (ratio or 1.0), camera=each.camera.at(view.camera.cam_from_world))
            for each, view in zip(found, views, strict=True)
        ]
