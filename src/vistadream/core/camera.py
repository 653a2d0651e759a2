"""A pinhole camera in OpenCV axes; each pad, crop and resize of an image has its counterpart for the camera."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Camera:
    """Pinhole camera: x right, y down, z forward. Pixel centers are at +0.5; the middle of the image is (w/2, h/2).

    Its few numbers stay on the CPU, where paths of cameras are computed, also where pictures are on a GPU. `project`,
    `unproject` and `rays` compute on the device of their argument; the camera is copied there once.
    """

    K: Float[Tensor, "3 3"]
    """Intrinsics in pixels: [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]."""
    cam_from_world: Float[Tensor, "4 4"]
    """Rigid transform: x_cam = cam_from_world @ x_world."""
    width: int
    """Image width in pixels."""
    height: int
    """Image height in pixels."""

    def __post_init__(self) -> None:
        if tuple(self.K.shape) != (3, 3) or tuple(self.cam_from_world.shape) != (4, 4):
            raise ValueError(
                f"Camera: K is {tuple(self.K.shape)}, cam_from_world {tuple(self.cam_from_world.shape)}; "
                "wanted (3, 3) and (4, 4)"
            )
        if self.width < 1 or self.height < 1:
            raise ValueError(f"Camera: size is {self.width}x{self.height}; wanted at least 1x1 pixels")
        if not (math.isfinite(self.fx) and math.isfinite(self.fy) and self.fx > 0 and self.fy > 0):
            raise ValueError(f"Camera: focal lengths are {self.fx}, {self.fy} px; wanted positive and finite")

    @staticmethod
    def from_focal(focal_px: float, width: int, height: int, principal_px: tuple[float, float] | None = None) -> Camera:
        """Camera at the world's origin with square pixels; the principal point is centered unless given."""
        cx, cy = principal_px if principal_px is not None else (width / 2, height / 2)
        K = torch.tensor([[focal_px, 0.0, cx], [0.0, focal_px, cy], [0.0, 0.0, 1.0]])
        return Camera(K, torch.eye(4), width, height)

    @staticmethod
    def from_fov(fov_x_deg: float, width: int, height: int) -> Camera:
        """Camera at the world's origin with the given horizontal field of view in degrees."""
        return Camera.from_focal(width / 2 / math.tan(math.radians(fov_x_deg) / 2), width, height)

    @cached_property
    def _lens(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy. They are read once, because a GPU has to be waited for."""
        (fx, _, cx), (_, fy, cy), _ = self.K.tolist()
        return fx, fy, cx, cy

    @property
    def fx(self) -> float:
        return self._lens[0]

    @property
    def fy(self) -> float:
        return self._lens[1]

    @property
    def cx(self) -> float:
        return self._lens[2]

    @property
    def cy(self) -> float:
        return self._lens[3]

    @property
    def world_from_cam(self) -> Float[Tensor, "4 4"]:
        """The inverse of the rigid `cam_from_world`."""
        R, t = self.cam_from_world[:3, :3], self.cam_from_world[:3, 3]
        inverse = torch.eye(4, dtype=R.dtype, device=R.device)
        inverse[:3, :3] = R.T
        inverse[:3, 3] = -R.T @ t
        return inverse

    @property
    def center(self) -> Float[Tensor, "3"]:
        """The camera's position in the world."""
        return self.world_from_cam[:3, 3]

    def at(self, cam_from_world: Float[Tensor, "4 4"]) -> Camera:
        """The camera with the same intrinsics and size at another pose."""
        return replace(self, cam_from_world=cam_from_world)

    def with_focal(self, focal_px: float) -> Camera:
        """The same camera with another focal length and square pixels; the principal point is kept."""
        K = self.K.clone()
        K[0, 0] = K[1, 1] = focal_px
        return replace(self, K=K)

    def resize(self, width: int, height: int) -> Camera:
        """The camera of this image after it was stretched to width x height pixels."""
        scale = self.K.new_tensor([[width / self.width], [height / self.height], [1.0]])
        return replace(self, K=self.K * scale, width=width, height=height)

    def decimate(self, step: int) -> Camera:
        """The camera of image[::step, ::step]; each pixel that is kept has the same ray as before."""
        K = self.K.clone()
        K[:2] = K[:2] / step
        K[:2, 2] += 0.5 - 0.5 / step
        return replace(self, K=K, width=-(-self.width // step), height=-(-self.height // step))

    def pad(self, left: int, right: int, top: int, bottom: int) -> Camera:
        """The camera of this image with a border added on each side, in pixels; a negative border crops."""
        K = self.K.clone()
        K[0, 2] += left
        K[1, 2] += top
        return replace(self, K=K, width=self.width + left + right, height=self.height + top + bottom)

    def crop(self, left: int, top: int, width: int, height: int) -> Camera:
        """The camera of the width x height window whose first pixel is (left, top)."""
        return self.pad(-left, left + width - self.width, -top, top + height - self.height)

    def project(self, points_world: Float[Tensor, "*n 3"]) -> tuple[Float[Tensor, "*n 2"], Float[Tensor, "*n"]]:
        """Pixel coordinates and camera-space z of world points; a point with z <= 0 lies behind the camera."""
        here = self.to(points_world.device)
        R, t = here.cam_from_world[:3, :3], here.cam_from_world[:3, 3]
        points_cam = points_world @ R.T + t
        homogeneous = points_cam @ here.K.T
        return homogeneous[..., :2] / homogeneous[..., 2:], points_cam[..., 2]

    def pixels_of(
        self, points_world: Float[Tensor, "n 3"]
    ) -> tuple[Bool[Tensor, "n"], Int[Tensor, "n"], Int[Tensor, "n"], Float[Tensor, "n"]]:
        """Which world points project into the picture, then their row, column (0 outside) and camera-space z."""
        uv, z = self.project(points_world)
        inside = (z > 0) & (uv >= 0).all(-1) & (uv[:, 0] < self.width) & (uv[:, 1] < self.height)
        column, row = torch.where(inside[:, None], uv, 0.0).long().unbind(-1)
        return inside, row, column, z

    def rays(self, device: torch.device | str | None = None) -> Float[Tensor, "h w 3"]:
        """The camera-space ray through each pixel center, scaled to z = 1, on the device; None: the camera's own."""
        K = self.K if device is None else self.to(device).K
        u = (torch.arange(self.width, dtype=K.dtype, device=K.device) + 0.5 - K[0, 2]) / K[0, 0]
        v = (torch.arange(self.height, dtype=K.dtype, device=K.device) + 0.5 - K[1, 2]) / K[1, 1]
        v, u = torch.meshgrid(v, u, indexing="ij")
        return torch.stack([u, v, torch.ones_like(u)], dim=-1)

    def unproject(self, z: Float[Tensor, "h w"]) -> Float[Tensor, "h w 3"]:
        """The world point of every pixel, given its camera-space z; ValueError when `z` has another size."""
        if tuple(z.shape) != (self.height, self.width):
            raise ValueError(f"unproject: z is {tuple(z.shape)}; wanted {(self.height, self.width)}")
        points_cam = self.rays(z.device) * z[..., None]
        pose = self.to(z.device).world_from_cam
        return points_cam @ pose[:3, :3].T + pose[:3, 3]

    def to(self, device: torch.device | str) -> Camera:
        """The same camera with its tensors on another device; the copy is kept unless gradients have to pass it."""
        device = torch.device(device)
        if self.K.device == device and self.cam_from_world.device == device:
            return self
        if device in self._copies:
            return self._copies[device]
        moved = copy.copy(self)  # with the numbers that were read already
        moved.__dict__.pop("_copies")
        for name in ("K", "cam_from_world"):
            object.__setattr__(moved, name, getattr(self, name).to(device))
        if not (self.K.requires_grad or self.cam_from_world.requires_grad):
            self._copies[device] = moved
        return moved

    @cached_property
    def _copies(self) -> dict[torch.device, Camera]:
        """This camera on other devices."""
        return {}
