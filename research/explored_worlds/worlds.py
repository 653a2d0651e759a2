"""Which worlds are explored, and the truth of one: its photo, and all that can be seen from the steps around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.random import default_rng
from train_embedded_depth.cameras import Pose
from train_embedded_depth.kinds import HELD_OUT, KINDS
from train_embedded_depth.textures import TextureBank

from explored_worlds.draw import Drawing, LitWorld
from explored_worlds.steps import Step, steps
from vistadream.core import Camera
from vistadream.ops.camera_path.pose import reach_of
from vistadream.sources.photo_view import photo_view

_TEXTURES = 11
"""Seed of the textures, which the training of the embedded depth did not use."""
WORLDS = (
    *(("room", 1), ("room", 13), ("corner", 2), ("kitchen", 2), ("hall", 1), ("hall", 5)),
    *(("avenue", 3), ("village", 3), ("street", 5), ("group", 1)),
)
"""Kinds and seeds that exploration may be tuned on."""
KEPT_BACK = (("corridor", 13), ("stairwell", 13), ("monument", 14))
"""Kinds and seeds that are for the last measurement alone."""


@dataclass(frozen=True)
class Explored:
    """A world with the place of its photo."""

    lit: LitWorld
    photo_pose: Pose
    photo: Drawing
    focus_z: float
    """The focus distance in meters, as trajectories define it."""
    focal_px: float

    @staticmethod
    def of(kind_name: str, seed: int, size: tuple[int, int]) -> Explored:
        """The world of a kind that a seed alone decides; size is (height, width)."""
        kind, rng = {**KINDS, **HELD_OUT}[kind_name], default_rng(seed)
        world, place = kind.build(rng)
        pose = kind.aim(rng, world, place)
        lit = LitWorld(world, pose, kind.inside, kind.fov_deg, TextureBank.paint(_TEXTURES), rng)
        photo = lit.draw(pose, size)
        camera = Camera.from_focal(lit.focal_px(size[1]), size[1], size[0])
        known = torch.where(photo.z.isfinite(), photo.z, 0.0)
        focus_z = reach_of(replace(photo_view(camera, photo.rgb, focal_known=True), z=known)).focus_z
        return Explored(lit, pose, photo, focus_z, camera.fx)

    def seen(self, size: tuple[int, int]) -> Iterator[tuple[Step, Drawing]]:
        """All steps to places where one can stand, and what is seen there."""
        for step in steps(self.focus_z):
            pose = self._pose(step)
            if self.lit.is_open(self.photo_pose.eye, pose.eye):
                yield step, self.lit.draw(pose, size)

    def _pose(self, step: Step) -> Pose:
        """The pose of a step in the world, whose cameras have y up."""
        flip = np.diag([1.0, -1.0, 1.0])
        photo_from_cam = torch.linalg.inv(step.cam_from_photo).double().numpy()
        eye = self.photo_pose.eye + self.photo_pose.rotation @ flip @ photo_from_cam[:3, 3]
        return Pose(eye, self.photo_pose.rotation @ flip @ photo_from_cam[:3, :3] @ flip)
