"""Double precision where the device has it."""

from __future__ import annotations

from torch import Tensor


def widened(x: Tensor) -> Tensor:
    """`x` in double precision, or in single precision on a device that has no other, which is Apple's GPU."""
    return x.float() if x.device.type == "mps" else x.double()
