"""Pictures of Gaussians by the kernels of the CPU renderer, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.render.cpu.drawing import Drawing, draw, gradient
from vistadream.backends.render.cpu.projection import Lens, Parameters, make_lens
from vistadream.backends.render.cpu.spherical_harmonics import sh_colors
from vistadream.core import Camera, Gaussians, Rendering
from vistadream.ops.numerics.jit import announce_compilation

if TYPE_CHECKING:
    from vistadream.backends.render.cpu.renderer import CpuRenderer

_WORTH_SHARING = 16_384
"""Number of Gaussians and pixels from which several threads are faster than one."""
_TINY = torch.finfo(torch.float32).tiny


def render(
    knobs: CpuRenderer, gaussians: Gaussians, camera: Camera, want: Sequence[str], extra: Float[Tensor, "n c"] | None
) -> Rendering:
    """The maps named in `want`, and the `extra` channels, of valid Gaussians seen from one camera."""
    announce_compilation(__file__, "CPU renderer", 10)
    threads = knobs.threads or _threads_for(len(gaussians) + camera.width * camera.height)
    antialiased = knobs.mode == "antialiased"
    lens = make_lens(camera, knobs.near_z, knobs.far_z, knobs.eps2d_px2, antialiased, knobs.radius_clip_px)
    picture = _Picture(lens, "z" in want, "z_median" in want, threads)
    g, pose = gaussians, camera.cam_from_world
    inputs = g.means, g.quats_wxyz, g.scales, g.opacities, _features(g, camera, "rgb" in want, extra, threads)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (pose, *inputs)):
        features, z, alpha, z_median = _Draw.apply(picture, pose, *inputs)
    else:
        features, z, alpha, z_median = _maps(picture.draw(pose, inputs, with_slots=False))
    colors = 3 if "rgb" in want else 0
    return Rendering(
        rgb=knobs.over_background(features[..., :3], alpha) if colors else None,
        z=z,
        z_median=z_median,
        alpha=alpha if "alpha" in want else None,
        extra=features[..., colors:] if extra is not None else None,
    )


class _Picture(NamedTuple):
    """The settings of one picture."""

    lens: Lens
    with_z: bool
    with_median: bool
    threads: int

    def draw(self, cam_from_world: Tensor, inputs: tuple[Tensor, ...], with_slots: bool) -> Drawing:
        pose = cam_from_world.detach().double().contiguous().numpy()
        gaussians = Parameters(*(tensor.detach().contiguous().numpy() for tensor in inputs))
        return draw(
            gaussians,
            self.with_z,
            pose,
            self.lens,
            threads=self.threads,
            with_slots=with_slots,
            with_median=self.with_median,
        )


class _Draw(torch.autograd.Function):
    """Differentiable function from the pose and the parameters of the Gaussians to `_maps`."""

    @staticmethod
    def forward(ctx: Any, picture: _Picture, pose: Tensor, *inputs: Tensor) -> tuple[Tensor | None, ...]:
        ctx.save_for_backward(pose, *inputs)  # so that torch detects in-place changes before backward
        ctx.set_materialize_grads(False)
        ctx.drawing, ctx.threads = picture.draw(pose, inputs, with_slots=True), picture.threads
        return _maps(ctx.drawing)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *map_grads: Tensor | None) -> tuple[Tensor | None, ...]:
        pose, *_ = ctx.saved_tensors
        *other_grads, median_grad = map_grads
        upstream = *_image_grads(ctx.drawing, *other_grads), None if median_grad is None else median_grad.numpy()
        with_pose = ctx.needs_input_grad[1]
        grads, pose_grad = gradient(ctx.drawing, *upstream, threads=ctx.threads, with_pose=with_pose)
        return None, torch.from_numpy(pose_grad).to(pose.dtype), *map(torch.from_numpy, grads)


def _threads_for(size: int) -> int:
    """Torch's number of threads; one if Gaussians and pixels are so few that several threads are slower."""
    return torch.get_num_threads() if size >= _WORTH_SHARING else 1


def _maps(drawing: Drawing) -> tuple[Tensor | None, ...]:
    """Features, expected z divided by alpha, alpha, and median z; None for a depth that was not drawn."""
    alpha = 1 - torch.from_numpy(drawing.transmittance)
    features, z, z_median = torch.from_numpy(drawing.image), None, None
    if drawing.with_z:
        features, z = features[..., :-1].contiguous(), features[..., -1] / alpha.clamp_min(_TINY)
    if drawing.median is not None:
        z_median = torch.from_numpy(drawing.median.z.copy())  # backward needs the unchanged values
    return features, z, alpha, z_median


def _image_grads(
    drawing: Drawing, features_grad: Tensor | None, z_grad: Tensor | None, alpha_grad: Tensor | None
) -> tuple[np.ndarray, np.ndarray]:
    """The gradients of the drawing's image and alpha, from those of the three maps."""
    image_grad = torch.zeros(drawing.image.shape)
    to_alpha = torch.zeros(drawing.transmittance.shape) if alpha_grad is None else alpha_grad.clone()
    if features_grad is not None:
        image_grad[..., : features_grad.shape[2]] = features_grad
    if z_grad is not None:
        _, z, alpha, _ = _maps(drawing)
        image_grad[..., -1] = z_grad / alpha.clamp_min(_TINY)
        to_alpha -= image_grad[..., -1] * z
    return image_grad.numpy(), to_alpha.contiguous().numpy()


def _features(
    gaussians: Gaussians, camera: Camera, with_rgb: bool, extra: Tensor | None, threads: int
) -> Float[Tensor, "n c"]:
    """The channels to blend: the colors as seen from the camera, then the extra channels."""
    parts = [] if extra is None else [extra]
    if with_rgb and gaussians.colors.dim() == 2:
        parts.insert(0, gaussians.colors)
    elif with_rgb:
        center = torch.linalg.inv(camera.cam_from_world)[:3, 3]  # as in gsplat: the pose's gradient depends on it
        parts.insert(0, sh_colors(gaussians.colors, gaussians.means, center, threads))
    return torch.cat(parts, dim=1) if parts else gaussians.means[:, :0]
