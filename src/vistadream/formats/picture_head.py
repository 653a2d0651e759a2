"""The head of a picture's file: its size and orientation, by Pillow alone, so that the service stays small."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from vistadream.core import UserError

FORMATS = "JPEG, PNG, WebP or TIFF (HEIC with pillow-heif installed)"
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Pillow opens no picture with more."""
_ORIENTATION = 0x0112
"""The tag of EXIF."""


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels as stored. Reads the head of the file only; UserError when it is not a picture."""
    with opened(path) as image:
        return image.size


def is_on_its_side(path: Path) -> bool:
    """Whether EXIF turns the picture by a quarter, which swaps width and height; UserError when it is not a picture."""
    with opened(path) as image:
        return image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture of which nothing but the head has been read; UserError when it is not one."""
    allow_heif()
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("ignore")
            yield image
    except Image.DecompressionBombError as error:
        raise too_many_pixels(path) from error
    except Exception as error:  # Pillow can raise any exception on metadata that it does not expect
        raise UserError(f"{path} is not a picture that can be read ({error}); wanted {FORMATS}") from error


def too_many_pixels(path: Path) -> UserError:
    """The error about a picture that no memory should hold."""
    return UserError(f"{path} has too many pixels; wanted under {MOST_PIXELS // 1_000_000} megapixels: scale it down")


def allow_heif() -> None:
    """Has Pillow read HEIC, where the package for it is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return
    register_heif_opener()
