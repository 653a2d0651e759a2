"""The differentiable CPU renderer behind core's Renderer protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vistadream.backends.render.knobs import RenderKnobs
from vistadream.core import Camera, Gaussians, Rendering
from vistadream.core.knobs import FROM_1, check_ranges

_MAPS = ("rgb", "z", "alpha")
_WANTABLE = (*_MAPS, "z_median")


@dataclass(frozen=True)
class CpuRenderer(RenderKnobs):
    """Draws 3D Gaussians as gsplat does, with gradients to every parameter and to the pose, on CPU threads.

    The result does not depend on the number of threads, bit for bit. Differences from gsplat: Gaussians with a value
    that is not finite, or a quaternion of length zero, are left out (in gsplat they may spread NaN); the expected depth
    is 0 where alpha is 0; the gradient of `antialiased` opacities is exact (gsplat adds 1e-6 to a divisor); the degree
    of spherical harmonics is that of the colors; all cameras are pinholes; `z_median` is additional. Gaussians on
    another device are copied to main memory, and maps and gradients are copied back.
    """

    threads: int | None
    """CPU threads; None: as many as torch uses, but one for a small picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, threads=FROM_1)

    def __call__(
        self,
        gaussians: Gaussians,
        cameras: Sequence[Camera],
        *,
        want: Sequence[str] = _MAPS,
        extra: Float[Tensor, "n c"] | None = None,
    ) -> list[Rendering]:
        """One Rendering per camera, on the Gaussians' device.

        Gradients reach Gaussians, `extra` and the cameras' `cam_from_world`. Raises ValueError for an unknown map, or a
        wrong shape or type, and UserError if a picture with its gradient does not fit into the free memory.
        """
        self.check_request(want, _WANTABLE, gaussians, extra)
        _check(gaussians, extra)
        from vistadream.backends.render.cpu.picture import render  # numba: for those that draw

        here, more = gaussians.to("cpu"), None if extra is None else extra.cpu()
        device = gaussians.means.device
        return [render(self, here, camera.to("cpu"), want, more).to(device) for camera in cameras]


def _check(gaussians: Gaussians, extra: Tensor | None) -> None:
    """Raises ValueError if a tensor's type is not what the kernels read."""
    for name, tensor in (*gaussians.tensors(), *([] if extra is None else [("extra", extra)])):
        if tensor.dtype != torch.float32:
            raise ValueError(f"CpuRenderer: {name} are {tensor.dtype}; wanted torch.float32")
