"""Raises an error before memory runs out; otherwise the system would kill the process without a message."""

from vistadream.backends import main_memory
from vistadream.backends.render.cpu.backward import MOMENTS
from vistadream.backends.render.cpu.median_backward import RAY_MOMENTS
from vistadream.core import UserError

_UNASKED = 16e6
"""Below this many bytes the free memory is not read, which takes a tenth of the time of a small picture."""
_PARAMETERS = 11  # numbers of a Gaussian in addition to its features


def needed_bytes(pixels: int, gaussians: int, channels: int, with_median: bool, with_gradient: bool, pairs: int) -> int:
    """Bytes that a picture needs after its pairs (a splat in a tile) are counted; `channels` includes the depth."""
    per_pixel = 4 * (2 * channels + 3)  # image and the maps made of it; transmittance, alpha, ends
    per_pixel += 4 * 3 * with_median
    per_pair = 4 + 8  # number and key
    if not with_gradient:
        return pixels * per_pixel + pairs * per_pair
    per_pixel += 4 * (channels + 1 + with_median)
    per_pair += 4 * (MOMENTS + channels + with_median * RAY_MOMENTS)  # slot_of_pair replaces the key
    return pixels * per_pixel + pairs * per_pair + gaussians * 4 * (_PARAMETERS + channels)


def require_memory(
    width: int, height: int, gaussians: int, channels: int, with_median: bool, with_gradient: bool, pairs: int
) -> None:
    """Raises UserError if a picture does not fit into the free memory."""
    needed = needed_bytes(width * height, gaussians, channels, with_median, with_gradient, pairs)
    if needed < _UNASKED:
        return
    free = main_memory.free_bytes()
    if needed > free:
        raise UserError(
            f"CpuRenderer: {gaussians:,} Gaussians at {width}x{height} pixels meet {pairs:,} tiles: "
            f"{needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free; wanted a smaller picture, "
            "fewer or smaller Gaussians" + (", or no gradient" if with_gradient else "")
        )
