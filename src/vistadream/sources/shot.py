"""One picture as an input brings it, before it is chosen, undistorted and scaled to the working size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from vistadream.core import Camera, Note
from vistadream.formats.picture import PictureFacts
from vistadream.ops.image.distortion import Distortion
from vistadream.ops.views.selection import Look


@dataclass(frozen=True)
class DepthFile:
    """A measured depth map that belongs to a picture."""

    path: Path
    unit: float
    """The stored numbers times this are depths in the unit of the poses."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture of an input, with all that the input says about it."""

    name: str
    """As people know it, such as "IMG 1.jpg"; unique in its input, but not yet the name of a View."""
    read: Callable[[], tuple[Image.Image, PictureFacts]]
    """The picture at its full size, opaque and in sRGB; upright unless `camera` is that of the picture as it is stored.

    UserError when it cannot be read.
    """
    camera: Camera | None = None
    """Intrinsics at full size, and the pose in the world of the input; None: nothing is known."""
    pose_known: bool = False
    """Whether `camera` has a real pose rather than the identity."""
    distortion: Distortion | None = None
    """None: a pinhole camera."""
    mask: Path | None = None
    """A picture of the same size whose black pixels are to be ignored."""
    depth: DepthFile | None = None
    look: Callable[[], Look] | None = None
    """What tells whether the picture is worth using; None: it is used in any case."""
    time_s: float | None = None
    """When a frame of a video was taken, in seconds from the beginning of the video; None for other pictures."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What a reader found in an input."""

    shots: tuple[Shot, ...]
    """In the order of the input; the first one becomes the anchor."""
    files: tuple[Path, ...]
    """Every file that decides the result: the pictures, masks, depth maps, and the files that name them."""
    remarks: tuple[Note, ...] = ()
    """What a person should know, such as pictures that were skipped and why."""
