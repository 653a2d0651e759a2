"""The differentiable CPU renderer behind core's Renderer protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.render.cpu.drawing import Drawing, draw, gradient
from vistadream.backends.render.cpu.projection import Lens, Parameters, make_lens
from vistadream.core import Camera, Gaussians, Rendering
from vistadream.ops.jit import announce_compilation

_MAPS = ("rgb", "z", "alpha")
_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class CpuRenderer:
    """Draws 3D Gaussians as gsplat does in its `classic` mode, with gradients to every parameter, on CPU threads.

    The result does not depend on the number of threads, bit for bit. Differences to gsplat: Gaussians with a value
    that is not finite, or a quaternion of length zero, are left out; the expected depth is 0 where alpha is 0.
    """

    near_z: float = 0.01
    """Gaussians whose centre is nearer are left out; in units of the scene."""
    far_z: float = 1e10
    """Gaussians whose centre is farther are left out."""
    eps2d_px2: float = 0.3
    """Added to the variance of every splat, against aliasing."""
    threads: int | None = None
    """CPU threads; None takes as many as torch does."""

    def __post_init__(self) -> None:
        if not 0 < self.near_z < self.far_z:
            raise ValueError(f"CpuRenderer.near_z, far_z: got {self.near_z}, {self.far_z}; wanted 0 < near_z < far_z")
        if not 0 <= self.eps2d_px2 < math.inf:
            raise ValueError(f"CpuRenderer.eps2d_px2: got {self.eps2d_px2}; wanted at least 0 and finite")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"CpuRenderer.threads: got {self.threads}; wanted at least 1, or None")

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = _MAPS,
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]:
        """One Rendering a camera. Raises ValueError on SH colours, an unknown map, or a wrong shape, type or device."""
        unknown = set(want) - set(_MAPS)
        if unknown:
            raise ValueError(f"CpuRenderer: want names {sorted(unknown)}; wanted some of {_MAPS}")
        inputs = _inputs(gaussians, "rgb" in want, extra)
        announce_compilation(__file__, "CPU renderer", 10)
        return [self._render(inputs, camera, want, extra) for camera in cameras]

    def _render(
        self, inputs: tuple[Tensor, ...], camera: Camera, want: Sequence[str], extra: Tensor | None
    ) -> Rendering:
        picture = _Picture(
            make_lens(camera, self.near_z, self.far_z, self.eps2d_px2),
            _pose(camera),
            "z" in want,
            self.threads or torch.get_num_threads(),
        )
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
            features, z, alpha = _Draw.apply(picture, *inputs)
        else:
            features, z, alpha = _maps(picture.draw(inputs, with_slots=False))
        colors = 3 if "rgb" in want else 0
        return Rendering(
            rgb=features[..., :3] if colors else None,
            z=z,
            alpha=alpha if "alpha" in want else None,
            extra=features[..., colors:] if extra is not None else None,
        )


class _Picture(NamedTuple):
    """What to draw from where."""

    lens: Lens
    cam_from_world: np.ndarray
    with_z: bool
    threads: int

    def draw(self, inputs: tuple[Tensor, ...], with_slots: bool) -> Drawing:
        gaussians = Parameters(*(tensor.detach().contiguous().numpy() for tensor in inputs))
        return draw(gaussians, self.with_z, self.cam_from_world, self.lens, threads=self.threads, with_slots=with_slots)


class _Draw(torch.autograd.Function):
    """Gaussian parameters to features, z and alpha."""

    @staticmethod
    def forward(ctx: Any, picture: _Picture, *inputs: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        ctx.save_for_backward(*inputs)  # so that torch notices a change in place before backward
        ctx.set_materialize_grads(False)
        ctx.drawing, ctx.threads = picture.draw(inputs, with_slots=True), picture.threads
        return _maps(ctx.drawing)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *map_grads: Tensor | None) -> tuple[Tensor | None, ...]:
        assert ctx.saved_tensors
        image_grad, alpha_grad = _image_grads(ctx.drawing, *map_grads)
        return None, *map(torch.from_numpy, gradient(ctx.drawing, image_grad, alpha_grad, threads=ctx.threads))


def _maps(drawing: Drawing) -> tuple[Tensor, Tensor | None, Tensor]:
    """Features, expected z divided by alpha (None without z), and alpha."""
    alpha = 1 - torch.from_numpy(drawing.transmittance)
    image = torch.from_numpy(drawing.image)
    if not drawing.with_z:
        return image, None, alpha
    return image[..., :-1].contiguous(), image[..., -1] / alpha.clamp_min(_TINY), alpha


def _image_grads(
    drawing: Drawing, features_grad: Tensor | None, z_grad: Tensor | None, alpha_grad: Tensor | None
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of the three maps to those of the drawing's image and alpha."""
    image_grad = torch.zeros(drawing.image.shape)
    to_alpha = torch.zeros(drawing.transmittance.shape) if alpha_grad is None else alpha_grad.clone()
    if features_grad is not None:
        image_grad[..., : features_grad.shape[2]] = features_grad
    if z_grad is not None:
        _, z, alpha = _maps(drawing)
        image_grad[..., -1] = z_grad / alpha.clamp_min(_TINY)
        to_alpha -= image_grad[..., -1] * z
    return image_grad.numpy(), to_alpha.contiguous().numpy()


def _pose(camera: Camera) -> np.ndarray:
    return camera.cam_from_world.detach().double().contiguous().numpy()


def _inputs(gaussians: Gaussians, with_rgb: bool, extra: Tensor | None) -> tuple[Tensor, ...]:
    """Means, quaternions, scales, opacities and the channels to blend, all float32 on the CPU."""
    if gaussians.colors.dim() != 2:
        raise ValueError(f"CpuRenderer: colors are {tuple(gaussians.colors.shape)}; wanted (n, 3), SH is not supported")
    if extra is not None and (extra.dim() != 2 or len(extra) != len(gaussians)):
        raise ValueError(f"CpuRenderer: extra is {tuple(extra.shape)}; wanted ({len(gaussians)}, channels)")
    parts = ([gaussians.colors] if with_rgb else []) + ([extra] if extra is not None else [])
    features = torch.cat(parts, dim=1) if parts else gaussians.colors[:, :0]
    inputs = (gaussians.means, gaussians.quats_wxyz, gaussians.scales, gaussians.opacities, features)
    for name, tensor in zip(Parameters._fields, inputs, strict=True):
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            raise ValueError(f"CpuRenderer: {name} are {tensor.dtype} on {tensor.device}; wanted torch.float32 on cpu")
    return inputs
