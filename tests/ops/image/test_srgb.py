"""Every mode of Pillow ends as opaque sRGB, by its color profile where it has one."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from vistadream.ops.image.srgb import opaque_srgb

P3_TO_SRGB = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09828]])
"""Linear Display P3 to linear sRGB, both with white D65 (CSS Color 4, section 10)."""


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 4, of a display for this color space (ICC.1, section 7)."""
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249), b"desc": text("test"), b"cprt": text("none"), **tags}
    start, body, table = 132 + 12 * len(tags), b"", struct.pack(">I", len(tags))
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I", start + len(body)) + b"\0\0\0\0\x04\0\0\0mntr" + space + b"XYZ "
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + fixed(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + table + body


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*values)


def text(words: str) -> bytes:
    return b"mluc\0\0\0\0\0\0\0\x01\0\0\0\x0cenUS" + struct.pack(">II", 2 * len(words), 28) + words.encode("utf-16-be")


SRGB_CURVE = b"para\0\0\0\0\0\x03\0\0" + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
LINEAR_GRAY = profile(b"GRAY", {b"kTRC": b"para\0\0\0\0\0\0\0\0" + fixed(1)})
DISPLAY_P3 = profile(
    b"RGB ",
    {
        b"rXYZ": xyz(0.51512, 0.2412, -0.00105),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
        b"rTRC": SRGB_CURVE,
        b"gTRC": SRGB_CURVE,
        b"bTRC": SRGB_CURVE,
    },
)


def decoded(levels: np.ndarray) -> np.ndarray:
    """sRGB levels to linear light (IEC 61966-2-1)."""
    v = levels / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def from_p3(levels: np.ndarray) -> np.ndarray:
    return encoded(decoded(levels) @ P3_TO_SRGB.T)


def colors() -> Image.Image:
    """Few colors, so that a palette holds them exactly; some lie outside of sRGB."""
    steps = np.array([0, 30, 90, 160, 220, 255], np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(steps, steps, steps), -1).reshape(12, 18, 3))


def with_alpha(image: Image.Image, alpha: int = 255) -> Image.Image:
    image = image.copy()
    image.putalpha(alpha)
    return image


def srgb(image: Image.Image, icc: bytes | None = None) -> np.ndarray:
    if icc is not None:
        image.info["icc_profile"] = icc
    rgb, problem = opaque_srgb(image)
    assert rgb.mode == "RGB"
    assert problem is None, problem
    return np.asarray(rgb).astype(int)


OF_COLOR = {
    "RGB": lambda: colors(),
    "RGBA": lambda: with_alpha(colors()),
    "RGBa": lambda: with_alpha(colors()).convert("RGBa"),
    "RGBX": lambda: colors().convert("RGBX"),
    "P": lambda: colors().quantize(256),
    "PA": lambda: colors().quantize(256).convert("PA"),
    "YCbCr": lambda: colors().convert("YCbCr"),
    "HSV": lambda: colors().convert("HSV"),
}


@pytest.mark.parametrize("mode", OF_COLOR)
def test_display_p3_becomes_srgb_in_every_mode_of_color(mode: str) -> None:
    image = OF_COLOR[mode]()
    assert image.mode == mode
    stored = np.asarray(image.convert("RGB")).astype(float)
    assert np.abs(from_p3(stored) - stored).max() > 40  # else the profile would make no difference
    np.testing.assert_allclose(srgb(image, DISPLAY_P3), from_p3(stored), atol=1.5)


def test_transparency_is_dealt_with_after_the_profile() -> None:
    half = with_alpha(colors(), 128)
    want = from_p3(np.asarray(colors()).astype(float)) * (128 / 255) + 255 * (127 / 255)
    np.testing.assert_allclose(srgb(half, DISPLAY_P3), want, atol=2)


def test_a_palette_with_a_transparent_color_is_converted_by_the_profile() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([250, 60, 60, 10, 200, 30] + [0] * 762)
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 1
    got = srgb(image, DISPLAY_P3)[0]
    np.testing.assert_allclose(got[0], from_p3(np.array([250.0, 60, 60])), atol=1.5)
    assert got[1].tolist() == [255, 255, 255]


RAMP = np.arange(256, dtype=np.uint8)[None]
OF_GRAY = {
    "L": lambda: Image.fromarray(RAMP),
    "LA": lambda: with_alpha(Image.fromarray(RAMP)),
    "La": lambda: with_alpha(Image.fromarray(RAMP)).convert("La"),
    "I;16": lambda: Image.fromarray(RAMP.astype(np.uint16) * 257),
    "I": lambda: Image.fromarray(RAMP.astype(np.int32) * 257),
    "F": lambda: Image.fromarray(RAMP.astype(np.float32) / 255),
    "1": lambda: Image.fromarray(RAMP).point(lambda v: 255 * (v > 127), "1"),
}


@pytest.mark.parametrize("mode", OF_GRAY)
def test_linear_gray_becomes_srgb_in_every_mode_of_gray(mode: str) -> None:
    image = OF_GRAY[mode]()
    assert image.mode == mode
    stored = RAMP.astype(float) if mode != "1" else np.where(RAMP > 127, 255.0, 0.0)
    got = srgb(image, LINEAR_GRAY)
    np.testing.assert_allclose(got, np.repeat(encoded(stored / 255)[..., None], 3, -1), atol=1.5)


@pytest.mark.parametrize("mode", OF_GRAY)
def test_grays_with_a_profile_for_rgb_stay_gray(mode: str) -> None:
    got = srgb(OF_GRAY[mode](), DISPLAY_P3)
    np.testing.assert_allclose(got, srgb(OF_GRAY[mode]()), atol=1)


def test_dark_grays_of_16_bits_are_not_made_coarse() -> None:
    levels = np.arange(0, 6000, 25, dtype=np.uint16)[None]
    want = encoded(levels / 65535)
    np.testing.assert_allclose(srgb(Image.fromarray(levels), LINEAR_GRAY)[..., 0], want, atol=1)


def test_lab_is_converted_with_its_profile_and_without() -> None:
    lab = Image.new("LAB", (3, 2), (200, 20, 240))
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    np.testing.assert_allclose(srgb(lab.copy(), icc), srgb(lab.copy()), atol=2)


def test_cmyk_takes_its_own_profile_alone() -> None:
    cmyk = Image.new("CMYK", (3, 2), (200, 20, 40, 10))
    plain = srgb(cmyk.copy())
    cmyk.info["icc_profile"] = DISPLAY_P3
    rgb, problem = opaque_srgb(cmyk)
    assert problem == "it is for RGB, and the picture is in CMYK"
    np.testing.assert_array_equal(np.asarray(rgb), plain)


@pytest.mark.parametrize("icc", [b"junk" * 50, bytes(128), LINEAR_GRAY, DISPLAY_P3[:200], "text", (1, 2)])
def test_a_profile_that_cannot_be_used_is_passed_over_and_named(icc: object) -> None:
    image = with_alpha(Image.new("RGB", (5, 4), (10, 20, 30)))
    image.info["icc_profile"] = icc
    rgb, problem = opaque_srgb(image)
    assert rgb.getpixel((0, 0)) == (10, 20, 30)
    assert problem


def test_a_print_profile_maps_its_black_to_black() -> None:
    """The darkest color of this profile reflects 3.5 % of the light."""
    veiled = b"para\0\0\0\0\0\x04\0\0" + fixed(1, 0.965, 0.035, 0, 0, 0, 0)
    got = srgb(Image.fromarray(RAMP), profile(b"GRAY", {b"kTRC": veiled}))
    assert got[0, 0].max() <= 1
    assert got[0, -1].min() >= 254


def test_transparency_is_laid_over_white() -> None:
    assert srgb(Image.new("RGBA", (4, 4), (255, 0, 0, 0)))[0, 0].tolist() == [255, 255, 255]
    half = srgb(Image.new("LA", (4, 4), (0, 128)))[0, 0]
    assert half[0] == pytest.approx(127, abs=1)


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (7, 7, 7)), ("I;16", 7), ("1", 0)])
def test_a_transparent_level_is_laid_over_white(mode: str, key: int | tuple) -> None:
    image = Image.new(mode, (2, 1), key)
    image.putpixel((1, 0), 1 if mode == "1" else (90, 90, 90) if mode == "RGB" else 90)
    image.info["transparency"] = key
    assert srgb(image)[0, 0].tolist() == [255, 255, 255]
    del image.info["transparency"]
    assert srgb(image)[0, 0].max() <= 7


def test_palette_with_a_transparent_color() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30] + [0] * 765)
    assert srgb(image)[0, 0].tolist() == [10, 20, 30]
    image.info["transparency"] = 0
    assert srgb(image)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "F", "I"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    assert srgb(Image.new(mode, (5, 4))).shape == (4, 5, 3)


def test_sixteen_bits_keep_their_range() -> None:
    levels = np.array([[0, 32768, 65535]], dtype=np.uint16)
    assert srgb(Image.fromarray(levels))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(("white", "mode"), [(1, "F"), (255, "I"), (65535, "I"), (255, "F"), (2**31 - 1, "I")])
def test_numbers_of_32_bits_are_read_by_the_range_that_holds_them(white: int, mode: str) -> None:
    levels = np.array([[0, white / 2, white]], np.float32 if mode == "F" else np.int32)
    image = Image.fromarray(levels)
    assert image.mode == mode
    np.testing.assert_allclose(srgb(image)[0, :, 0], [0, 127.5, 255], atol=0.6)
