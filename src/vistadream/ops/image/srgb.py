"""Conversion of pictures of any Pillow mode to opaque 8-bit sRGB: first by their color profile, then over white."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import Float, UInt16
from PIL import Image, ImageCms

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
"""Colors that sRGB can show are not changed; white becomes white."""
BLACK_POINT = ImageCms.Flags.BLACKPOINTCOMPENSATION
"""The darkest color of the source becomes black. Without it, a print profile would turn black into gray."""
_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
"""The color space of a valid profile, by Pillow's mode; for grays, a profile for GRAY or RGB is valid."""


def opaque_srgb(image: Image.Image) -> tuple[Image.Image, str | None]:
    """The picture in mode RGB, and what is wrong with its color profile if that was ignored, else None."""
    colors, alpha = _split(image)
    profile, problem = image.info.get("icc_profile"), None
    try:
        rgb = _by_profile(colors, profile) if profile else _without_profile(colors)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        rgb, problem = _without_profile(colors), str(error)
    if alpha is None:
        return rgb, problem
    rgb.putalpha(alpha)
    return Image.alpha_composite(Image.new("RGBA", rgb.size, "white"), rgb).convert("RGB"), problem


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colors in mode 1, L, RGB, CMYK, LAB or a mode with more bits (I, F), and 8-bit alpha, if there is any."""
    if image.mode.startswith(("I", "F")):
        transparent = image.info.get("transparency")
        opaque = None if transparent is None else np.asarray(image) != transparent
        return image, None if opaque is None else Image.fromarray(opaque.astype(np.uint8) * 255)
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("1", "L", "LA", "La") else "RGBA")
        return image.convert(image.mode.removesuffix("A")), image.getchannel("A")
    return (image if image.mode in ("1", "L", *_SPACES) else image.convert("RGB")), None


def _by_profile(colors: Image.Image, profile: bytes) -> Image.Image:
    """The colors in sRGB by an ICC profile. Raises the errors of ImageCms, and ValueError for another color space."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if colors.mode not in _SPACES:  # gray
        if space == "GRAY":
            return _gray_by_profile(colors, source)
        colors = _without_profile(colors)
    if space != _SPACES[colors.mode]:
        raise ValueError(f"it is for {space}, and the picture is in {colors.mode}")
    to_srgb = _transform(source, colors.mode, BLACK_POINT)
    converted = ImageCms.applyTransform(colors, to_srgb)
    assert converted is not None  # it is None only for a transform in place
    return converted


def _gray_by_profile(gray: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """Grays of any bit depth by a table of all 16-bit levels, without the library's optimizations, which are coarse."""
    ramp = Image.fromarray(np.arange(2**16, dtype=np.uint16)[None])
    exact = _transform(source, ramp.mode, BLACK_POINT | ImageCms.Flags.NOOPTIMIZE)
    table = np.asarray(ImageCms.applyTransform(ramp, exact))[0]
    return Image.fromarray(table[_levels(gray)])


def _transform(source: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", INTENT, flags)


def _without_profile(colors: Image.Image) -> Image.Image:
    """The colors taken as sRGB; those of 16 and 32 bits are scaled to 8."""
    if not colors.mode.startswith(("I", "F")):
        return colors.convert("RGB")
    return Image.fromarray((_shares(colors) * 255 + 0.5).astype(np.uint8)).convert("RGB")


def _levels(gray: Image.Image) -> UInt16[np.ndarray, "h w"]:
    """Grays as 16-bit levels."""
    if gray.mode.startswith(("I", "F")):
        return (_shares(gray) * 65535 + 0.5).astype(np.uint16)
    return np.asarray(gray.convert("L"), dtype=np.uint16) * np.uint16(257)


_WHITES = {"I": (255.0, 65535.0), "F": (1.0,)}
"""The usual levels of white in modes that can hold any number; in the 16-bit modes white is the largest level."""


def _shares(gray: Image.Image) -> Float[np.ndarray, "h w"]:
    """Grays of 16 or 32 bits as shares of white.

    White is the smallest usual level that no pixel exceeds, else the largest level of the picture.
    """
    levels = np.nan_to_num(np.asarray(gray, dtype=np.float64))
    peak = float(levels.max())
    white = next((white for white in _WHITES.get(gray.mode, (65535.0,)) if peak <= white), peak)
    return np.clip(levels / white, 0, 1)
