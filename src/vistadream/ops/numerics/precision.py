"""Double precision where the device has it."""

from __future__ import annotations

from torch import Tensor


def widened(x: Tensor) -> Tensor:
    """`x` in double precision; unchanged on a device without it, which is Apple's GPU."""
    return x if x.device.type == "mps" else x.double()
