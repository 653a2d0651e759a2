"""A renderer with gsplat's CUDA rasterizer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends import packages
from vistadream.backends.needs import Needs
from vistadream.backends.render.gsplat_kernels import begin_build, require_kernels
from vistadream.backends.render.knobs import RenderKnobs
from vistadream.backends.render.ray_median import median_z
from vistadream.backends.weights.residence import resident
from vistadream.core import Camera, FullMemoryError, Gaussians, Rendering, UserError

_MAPS = ("rgb", "z", "alpha")


@dataclass(frozen=True)
class GsplatRenderer(RenderKnobs):
    """Draws 3D Gaussians by gsplat (Ye et al. 2025, arXiv 2409.06765), with the CPU renderer's conventions and knobs.

    Gaussians in main memory are copied to the GPU, and maps and gradients are copied back. Cameras of one size are
    drawn in one call. Unlike the CPU renderer, it does not leave out Gaussians with values that are not finite. gsplat
    has no kernel for the median depth: `ray_median` computes it in torch, also on the GPU.
    """

    NEEDS = Needs(packages=("gsplat",), gpu=True, compiler=True)

    def prepare(self) -> None:
        """Starts to compile the kernels in the background, if that is still to be done. UserError if it cannot be."""
        if torch.cuda.is_available():
            begin_build()

    CAMERAS_AT_ONCE: ClassVar[int] = 8
    """Maximum number of cameras in one call of gsplat, which holds the features of every Gaussian for each of them."""

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = _MAPS,
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]:
        """One Rendering per camera, on the Gaussians' device. Gradients reach Gaussians, `extra`, `cam_from_world`.

        Raises ValueError for an unknown map, and UserError without a GPU, the package or its kernels.
        """
        self.check_request(want, (*_MAPS, "z_median"), gaussians, extra)
        device = _gpu()
        on_gpu, more = gaussians.to(device), None if extra is None else extra.to(device)
        drawn: dict[int, Rendering] = {}
        for batch in _batches(cameras, self.CAMERAS_AT_ONCE):
            pictures = self._draw(on_gpu, [cameras[i] for i in batch], want, more)
            drawn |= zip(batch, (picture.to(gaussians.means.device) for picture in pictures), strict=True)
        return [drawn[i] for i in range(len(cameras))]

    def _draw(
        self, gaussians: Gaussians, cameras: Sequence[Camera], want: Sequence[str], extra: Tensor | None
    ) -> list[Rendering]:
        """Draws cameras of one size. If the GPU is full, loaded models are unloaded once."""
        try:
            return self._maps(gaussians, cameras, want, extra)
        except torch.OutOfMemoryError:
            pass  # after the block the error is released, and with it the stack frames that kept tensors alive
        resident.release()
        try:
            return self._maps(gaussians, cameras, want, extra)
        except torch.OutOfMemoryError as error:
            size = f"{cameras[0].width}x{cameras[0].height}"
            raise FullMemoryError(
                f"{len(gaussians):,} Gaussians at {size} pixels do not fit the GPU; wanted a smaller task: lower "
                "max_resolution, lower expansion, or backends/render=cpu; other programs use the GPU's memory too"
            ) from error

    def _maps(
        self, gaussians: Gaussians, cameras: Sequence[Camera], want: Sequence[str], extra: Tensor | None
    ) -> list[Rendering]:
        kernels = extra is not None or not set(want).isdisjoint(_MAPS)
        pictures = self._rasterize(gaussians, cameras, want, extra) if kernels else [Rendering() for _ in cameras]
        if "z_median" not in want:
            return pictures
        medians = (median_z(gaussians, camera.to(gaussians.means.device), self) for camera in cameras)
        return [replace(picture, z_median=z) for picture, z in zip(pictures, medians, strict=True)]

    def _rasterize(
        self, gaussians: Gaussians, cameras: Sequence[Camera], want: Sequence[str], extra: Tensor | None
    ) -> list[Rendering]:
        poses, lenses = _stacked(cameras, gaussians.means.device)
        features = _features(gaussians, poses, "rgb" in want, extra)
        maps, alphas, _ = packages.load("gsplat").rasterization(
            means=gaussians.means,
            quats=gaussians.quats_wxyz,
            scales=gaussians.scales,
            opacities=gaussians.opacities,
            colors=gaussians.means if features is None else features,  # not read if only depth is drawn
            viewmats=poses,
            Ks=lenses,
            width=cameras[0].width,
            height=cameras[0].height,
            near_plane=self.near_z,
            far_plane=self.far_z,
            radius_clip=self.radius_clip_px,
            eps2d=self.eps2d_px2,
            rasterize_mode=self.mode,
            render_mode="ED" if features is None else "RGB+ED" if "z" in want else "RGB",
            packed=False,
        )
        return [self._rendering(*picture, want, extra) for picture in zip(maps, alphas[..., 0], strict=True)]

    def _rendering(
        self, maps: Float[Tensor, "h w c"], alpha: Float[Tensor, "h w"], want: Sequence[str], extra: Tensor | None
    ) -> Rendering:
        """A Rendering from the channels: colors, extra channels, expected z."""
        first = 3 if "rgb" in want else 0
        return Rendering(
            rgb=self.over_background(maps[..., :3], alpha) if first else None,
            z=maps[..., -1] if "z" in want else None,
            alpha=alpha if "alpha" in want else None,
            extra=None if extra is None else maps[..., first : first + extra.shape[1]],
        )


def _batches(cameras: Sequence[Camera], most: int) -> Iterator[tuple[int, ...]]:
    """Indices of cameras of one size, at most `most` at a time."""
    sizes = [(camera.width, camera.height) for camera in cameras]
    for size in dict.fromkeys(sizes):
        group = [i for i, other in enumerate(sizes) if other == size]
        yield from (tuple(group[i : i + most]) for i in range(0, len(group), most))


def _stacked(cameras: Sequence[Camera], device: torch.device) -> tuple[Float[Tensor, "v 4 4"], Float[Tensor, "v 3 3"]]:
    """Poses and intrinsics on the device: of several cameras by one copy, of one from its copy that is kept there."""
    if len(cameras) == 1:
        cameras = [cameras[0].to(device)]  # a step of a fit draws the same camera again and again
    poses, lenses = (torch.stack([getattr(c, name) for c in cameras]) for name in ("cam_from_world", "K"))
    return poses.float().to(device), lenses.float().to(device)


def _features(
    gaussians: Gaussians, poses: Float[Tensor, "v 4 4"], with_rgb: bool, extra: Tensor | None
) -> Float[Tensor, "v n c"] | None:
    """The channels to blend for each camera: colors as seen from it, then the extra channels; None without any."""
    parts = [] if extra is None else [extra.expand(len(poses), -1, -1)]
    if with_rgb and gaussians.colors.dim() == 2:
        parts.insert(0, gaussians.colors.expand(len(poses), -1, -1))
    elif with_rgb:
        centers = torch.linalg.inv_ex(poses).inverse[:, None, :3, 3]  # inv itself makes the CPU wait for its check
        coefficients = gaussians.colors.expand(len(poses), -1, -1, -1)
        degree = math.isqrt(coefficients.shape[2]) - 1
        colors = packages.load("gsplat").spherical_harmonics(degree, gaussians.means - centers, coefficients)
        parts.insert(0, (colors + 0.5).clamp_min(0))
    return torch.cat(parts, dim=-1) if parts else None


def _gpu() -> torch.device:
    if not torch.cuda.is_available():
        raise UserError("gsplat draws on NVIDIA GPUs and torch sees none; wanted one, or backends/render=cpu")
    require_kernels()
    return torch.device("cuda")
