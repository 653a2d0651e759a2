"""Photos of textured boxes on a floor in front of a wall, drawn by ray casting; made by `textured_boxes`."""

import math
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch

from vistadream.core import Camera

BOXES = [  # lower and upper corner
    ((-9, -7, 7.0), (9, 7, 8.0)),
    ((-9, 1.6, 0), (9, 3.0, 8.0)),
    ((-2.2, 0.2, 4.2), (-0.9, 1.6, 5.2)),
    ((0.6, -0.3, 5.0), (2.0, 1.6, 6.0)),
    ((-0.5, 0.8, 3.6), (0.4, 1.6, 4.2)),
    ((-1.2, -1.9, 5.2), (0.9, -0.9, 6.2)),
]
DISTANCE = 4.5


@dataclass(frozen=True)
class TexturedBoxes:
    """Cameras of one lens, and what they see of the boxes."""

    width: int
    height: int
    focal_px: float

    def camera_at(self, x: float, y: float, z: float, turn_deg: float) -> Camera:
        """A camera turned about the vertical axis."""
        c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
        pose = torch.tensor([[c, 0, -s, 0], [0, 1, 0, 0], [s, 0, c, 0], [0, 0, 0, 1]], dtype=torch.float32)
        pose[:3, 3] = -pose[:3, :3] @ torch.tensor([x, y, z], dtype=torch.float32)
        return Camera.from_focal(self.focal_px, self.width, self.height).at(pose)

    def camera_on_arc(self, angle_deg: float) -> Camera:
        """A camera on an arc about the boxes, a little higher or lower than the next one."""
        a = math.radians(angle_deg)
        return self.camera_at(
            -DISTANCE * math.sin(a), 0.25 * math.sin(angle_deg), DISTANCE * (1 - math.cos(a)), angle_deg
        )

    @staticmethod
    def photograph(camera: Camera) -> torch.Tensor:
        """What the camera sees of the boxes, "h w 3"; every pixel is the mean of four rays."""
        fine = camera.resize(2 * camera.width, 2 * camera.height)
        pose = fine.world_from_cam.double().numpy()
        rays, eye = fine.rays().double().numpy() @ pose[:3, :3].T, pose[:3, 3]
        nearest, rgb = np.full(rays.shape[:2], np.inf), np.zeros(rays.shape)
        for number, box in enumerate(np.array(BOXES, dtype=float)):
            t = (box[:, None, None] - eye) / rays
            enter, leave = t.min(0), t.max(0)
            axis, hit = enter.argmax(2), enter.max(2)
            seen = (hit > 0) & (hit < leave.min(2)) & (hit < nearest)
            at = eye + rays * hit[..., None]
            for a in range(3):
                rows, columns = np.nonzero(seen & (axis == a))
                u, v = (np.mod(at[rows, columns, k] * 70 + 7919 * (number + 1), 1023) for k in range(3) if k != a)
                rgb[rows, columns] = _texture(number)[v.astype(int), u.astype(int)] * (1, 0.85, 0.7)[a]
            nearest = np.where(seen, hit, nearest)
        return torch.from_numpy(cv2.resize(rgb, (camera.width, camera.height), interpolation=cv2.INTER_AREA)).float()


@cache
def _texture(number: int) -> np.ndarray:
    """Spots of several sizes, in color."""
    random = np.random.default_rng(number)
    layers = [cv2.resize(random.random((n, n, 3)), (1024, 1024), interpolation=cv2.INTER_CUBIC) for n in (24, 64, 150)]
    return np.clip(sum(layers) / len(layers) * 1.8 - 0.4, 0, 1)
