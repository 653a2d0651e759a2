"""Reads pictures of any common format: one upright, opaque picture in sRGB, and facts about it from the file."""

from __future__ import annotations

import io
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile, UnidentifiedImageError

from vistadream.core import UserError
from vistadream.formats.exif import Exif, read_exif
from vistadream.formats.metadata import without_metadata
from vistadream.formats.picture_head import FORMATS, allow_heif, opened, too_many_pixels
from vistadream.formats.source import read_source
from vistadream.ops.image.srgb import opaque_srgb

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that makes a picture upright, by its orientation in EXIF; 1 is upright."""


@dataclass(frozen=True)
class PictureFacts:
    """Facts about a picture from its file."""

    focal_35mm_mm: float | None
    """Focal length of a lens with the same view on 35 mm film, as in EXIF; it can be any number, also NaN."""
    remarks: tuple[str, ...] = ()
    """What was ignored, as phrases for the log."""


_Decoded = tuple[Image.Image, PictureFacts, Image.Transpose | None]
"""A picture as it is stored, its facts, and what makes it upright."""


def read_picture(path: Path, upright: bool = True) -> tuple[Image.Image, PictureFacts]:
    """The picture in a file, in mode RGB, and its facts; UserError when it cannot be read.

    If `upright` is False, it is left as it is stored, although EXIF says that it is to be turned.
    """
    data = read_source(path, "picture", f"a {FORMATS} file: check its path")
    allow_heif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about metadata, and about large pictures that can be read
            picture, facts, turn = _decode_with_less(data)
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not a picture that can be read; wanted {FORMATS}: convert it") from error
    except (Image.DecompressionBombError, MemoryError) as error:
        raise too_many_pixels(path) from error
    except Exception as error:
        raise UserError(
            f"{path} is damaged or truncated ({error}); wanted a whole {FORMATS} file: save it again"
        ) from error
    return picture if turn is None or not upright else picture.transpose(turn), facts


def read_small_gray(path: Path, long_px: int) -> UInt8[np.ndarray, "h w"]:
    """The picture in gray with a long side of `long_px` pixels, quickly, for judging it; not turned by its EXIF.

    UserError when it cannot be read.
    """
    try:
        with opened(path) as image:
            image.draft("L", (long_px, long_px))  # a JPEG is decoded at a fraction of its size
            gray = np.asarray(image.convert("L")) if image.mode in ("L", "RGB") else None
    except Exception:
        gray = None
    if gray is None:
        gray = np.asarray(read_picture(path)[0].convert("L"))
    scale = long_px / max(gray.shape)
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _decode_with_less(data: bytes) -> _Decoded:
    """Decodes a file; if that fails, tries again with less metadata. Raises the exception of the first attempt.

    Pillow can raise any exception on metadata that it does not expect, even if the pixels are not damaged.
    """
    try:
        return _decode(data)
    except (Image.DecompressionBombError, MemoryError):
        raise
    except Exception:
        for keep_color_and_exif, remark in _LESS.items():
            less = without_metadata(data, keep_color_and_exif)
            with suppress(Exception):
                if less != data:
                    return _decode(less, (remark,))
        raise


_LESS = {
    True: "parts of its metadata are damaged and were ignored",
    False: "its metadata is damaged and was ignored, including its color profile and EXIF if it has any",
}


def _decode(data: bytes, remarks: tuple[str, ...] = ()) -> _Decoded:
    with Image.open(io.BytesIO(data)) as image:
        if image.format == "EPS" or isinstance(image, ImageFile.StubImageFile):
            raise UnidentifiedImageError(f"{image.format} contains drawings or data, not pixels")
        image.load()
        rgb, problem = opaque_srgb(image)
        exif = _exif_of(image, data)
    if problem:
        remarks += (f"its color profile was ignored: {problem}",)
    return rgb, PictureFacts(exif.focal_35mm_mm, remarks), _TURNS.get(exif.orientation or 1)


def _exif_of(image: Image.Image, data: bytes) -> Exif:
    """The EXIF facts of a loaded picture; an orientation that EXIF does not have comes from XMP."""
    if image.format == "TIFF":  # the file is its own EXIF block, and Pillow has turned its pixels
        return replace(read_exif(data), orientation=None)
    block = image.info.get("exif")
    if not isinstance(block, bytes):
        block = _unhex(image.info.get("Raw profile type exif"))
    exif = read_exif(block)
    return exif if exif.orientation else replace(exif, orientation=_orientation_in_xmp(image))


def _unhex(words: object) -> bytes:
    """The EXIF block in a text chunk of PNG, as ImageMagick writes it: three lines, then hexadecimal digits."""
    try:
        return bytes.fromhex("".join(str(words).split("\n")[3:]))
    except ValueError:
        return b""


def _orientation_in_xmp(image: Image.Image) -> int | None:
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    words = xmp.decode("latin-1") if isinstance(xmp, bytes) else str(xmp)
    found = re.search(r'tiff:Orientation(?:="|>)([1-8])', words)
    return int(found[1]) if found else None
