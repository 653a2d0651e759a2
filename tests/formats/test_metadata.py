"""Metadata never decides whether a picture can be read: seeded changes to it alone, in every format that we read."""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, features

from vistadream.core import UserError
from vistadream.formats.picture import read_picture

try:
    import pillow_heif

    pillow_heif.register_heif_opener()
except ImportError:
    pillow_heif = None

CASES = 150
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Make="a maker"/></x:xmpmeta>'


def picture() -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, 48), np.linspace(0, 255, 32))
    return Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))


def exif_block() -> bytes:
    """Tags of every kind; the picture is upright, which AVIF says elsewhere."""
    exif = Image.Exif()
    exif.update({0x010F: "a maker", 0x011A: 72.0, 0x011B: 72.0, 0x0128: 2, 0x9286: b"ASCII\0\0\0words"})
    exif[0x8769] = {0xA405: 28, 0x9204: -2.5, 0x829A: 0.01, 0xA002: 48}
    exif[0x8825] = {1: "N", 2: (47.0, 22.0, 1.5)}
    return exif.tobytes()


EXIF = exif_block()
BARE = EXIF.removeprefix(b"Exif\0\0")


@dataclass(frozen=True)
class File:
    """A picture file, the places of its metadata, and what makes a changed one whole again."""

    data: bytes
    places: np.ndarray
    mend: Callable[[bytes], bytes] = bytes


def saved(kind: str, **knobs) -> bytes:
    stream = io.BytesIO()
    picture().save(stream, kind, **knobs)
    return stream.getvalue()


def found(data: bytes, *blocks: bytes) -> np.ndarray:
    """Places of these blocks of bytes."""
    starts = [data.index(block) for block in blocks]
    return np.concatenate([np.arange(at, at + len(block)) for at, block in zip(starts, blocks, strict=True)])


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the payload of each chunk."""
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">L", data, at)
        yield data[at + 4 : at + 8], at + 8, at + 8 + length
        at += 12 + length


def with_checksums(data: bytes) -> bytes:
    fixed = bytearray(data)
    for _, start, end in png_chunks(data):
        fixed[end : end + 4] = struct.pack(">L", zlib.crc32(data[start - 4 : end]))
    return bytes(fixed)


def with_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with these chunks behind its header."""
    data = saved("PNG")
    more = b"".join(struct.pack(">L", len(body)) + kind + body + bytes(4) for kind, body in chunks)
    return with_checksums(data[:33] + more + data[33:])


def png(mend: Callable[[bytes], bytes] = with_checksums) -> File:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "words " * 9, zip=True)
    words.add_text("Software", "a program")
    words.add_itxt("XML:com.adobe.xmp", XMP)
    words.add_itxt("Title", "words " * 9, zip=True)
    words.add(b"gAMA", struct.pack(">L", 45455))
    words.add(b"cHRM", struct.pack(">8L", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
    words.add(b"sRGB", b"\0")
    words.add(b"tIME", b"\7\xea\1\1\1\1\1")
    words.add(b"tEXt", b"After\0the pixels", after_idat=True)
    data = saved("PNG", exif=EXIF, dpi=(72, 72), pnginfo=words)
    spans = [np.arange(start, end) for kind, start, end in png_chunks(data) if not kind[:1].isupper()]
    return File(data, np.concatenate(spans), mend)


def jpeg() -> File:
    data = saved("JPEG", exif=EXIF, comment=b"words", dpi=(72, 72), quality=95)
    more = {
        0xE1: b"http://ns.adobe.com/xap/1.0/\0" + XMP,
        0xED: b"Photoshop 3.0\0008BIM\3\xed\0\0\0\0\0\x10" + bytes(16),
    }
    more |= {0xE2: b"MPF\0" + MPF, 0xE3: b"Meta\0\0junk"}
    extra = b"".join(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in more.items())
    data = data[:2] + extra + data[2:]
    jfif = data[data.index(b"JFIF\0") :][:14]
    return File(data, found(data, *more.values(), EXIF, b"words", jfif))


MPF = b"II*\0\x08\0\0\0\3\0" + struct.pack("<HHL4s", 0xB000, 7, 4, b"0100")
MPF += struct.pack("<HHLL", 0xB001, 4, 1, 1) + struct.pack("<HHLL", 0xB002, 7, 16, 50) + bytes(4 + 16)


def webp() -> File:
    data = saved("WEBP", lossless=True, exif=EXIF, xmp=XMP)
    return File(data, found(data, BARE, XMP))


def tiff(**knobs) -> File:
    tags = {270: "a description", 305: "a program", 700: XMP, 282: 72.0, 283: 72.0, 296: 2, 33432: "me", 37724: b"junk"}
    data = saved("TIFF", tiffinfo=tags, **knobs)
    (start,) = struct.unpack_from("<L", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    fields = [
        at for at in range(start + 2, start + 2 + 12 * count, 12) if struct.unpack_from("<H", data, at)[0] in tags
    ]
    return File(data, np.concatenate([np.arange(at + 2, at + 12) for at in fields] + [found(data, XMP, b"a program")]))


def gif() -> File:
    data = saved("GIF", comment=b"some words")
    return File(data, found(data, b"some words"))


def heic() -> File:
    data = saved("HEIF", exif=EXIF, xmp=XMP, quality=90)
    return File(data, found(data, BARE, XMP))


def avif() -> File:
    data = saved("AVIF", exif=EXIF, xmp=XMP, quality=90)
    return File(data, found(data, BARE, XMP))


FILES = {
    "png": png,
    "png with wrong checksums": lambda: png(bytes),
    "jpeg": jpeg,
    "webp": webp,
    "tiff": tiff,
    "tiff, packed": lambda: tiff(compression="tiff_lzw"),
    "gif": gif,
    "heic": heic,
    "avif": avif,
}


def whole(kind: str) -> File:
    if kind == "heic" and pillow_heif is None:
        pytest.skip("pillow-heif is not installed")
    if kind == "avif" and not features.check("avif"):
        pytest.skip("this Pillow does not read AVIF")
    return FILES[kind]()


def changed(data: bytes, places: np.ndarray, rng: np.random.Generator) -> bytes:
    """The file with one to eight bytes of its metadata, or a run of them, set to values that break things."""
    levels = np.frombuffer(data, np.uint8).copy()
    start = rng.integers(len(places))
    at = places[start : start + rng.integers(1, 9)] if rng.random() < 0.5 else rng.choice(places, rng.integers(1, 9))
    levels[at] = rng.choice([0, 1, 7, 127, 128, 255, int(rng.integers(256))], len(at))
    return levels.tobytes()


def upright(pixels: np.ndarray) -> list[np.ndarray]:
    """The pixels in the eight orientations: a changed one is one that the file really has."""
    return [turned for p in (pixels, pixels[:, ::-1]) for turned in (np.rot90(p, k) for k in range(4))]


@pytest.mark.parametrize("kind", FILES)
def test_changed_metadata_leaves_the_pixels(tmp_path: Path, kind: str) -> None:
    file, path, rng = whole(kind), tmp_path / "a.picture", np.random.default_rng(0)
    path.write_bytes(file.data)
    want = upright(np.asarray(read_picture(path)[0]))
    for case in range(CASES):
        path.write_bytes(file.mend(changed(file.data, file.places, rng)))
        got = np.asarray(read_picture(path)[0])
        assert any(np.array_equal(got, pixels) for pixels in want), case


PROFILED = {
    "png": lambda: with_chunks((b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))),
    "jpeg": lambda: saved("JPEG", icc_profile=SRGB),
    "webp": lambda: saved("WEBP", lossless=True, icc_profile=SRGB),
    "tiff": lambda: saved("TIFF", icc_profile=SRGB),
    "heic": lambda: saved("HEIF", icc_profile=SRGB),
    "avif": lambda: saved("AVIF", icc_profile=SRGB),
}


@pytest.mark.parametrize("kind", PROFILED)
def test_a_changed_color_profile_leaves_the_picture_readable(tmp_path: Path, kind: str) -> None:
    if kind in ("heic", "avif"):
        whole(kind)  # skips where this format cannot be read
    data, path, rng = PROFILED[kind](), tmp_path / "a.picture", np.random.default_rng(0)
    profile = zlib.compress(SRGB) if kind == "png" else SRGB
    places = np.concatenate([found(data, profile), *[found(data, profile[:200])] * 4])  # its header most of all
    for _ in range(CASES):
        path.write_bytes((with_checksums if kind == "png" else bytes)(changed(data, places, rng)))
        assert read_picture(path)[0].size == (48, 32)


def read(tmp_path: Path, data: bytes):
    (tmp_path / "a.picture").write_bytes(data)
    return read_picture(tmp_path / "a.picture")


def jpeg_with(marker: int, body: bytes, data: bytes = b"") -> bytes:
    data = data or saved("JPEG", quality=95)
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


BOMB = zlib.compress(bytes(200_000_000))
STUMBLING = {
    "iTXt that unpacks to 200 MB": lambda: with_chunks((b"iTXt", b"Title\0\1\0\0\0" + BOMB)),
    "zTXt that unpacks to 200 MB": lambda: with_chunks((b"zTXt", b"Title\0\0" + BOMB)),
    "iCCP that unpacks to 200 MB": lambda: with_chunks((b"iCCP", b"name\0\0" + BOMB)),
    "much text": lambda: with_chunks(*[(b"zTXt", b"%d\0\0" % i + zlib.compress(bytes(10**6))) for i in range(70)]),
    "text named as a fact": lambda: with_chunks((b"tEXt", b"transparency\0words"), (b"tEXt", b"icc_profile\0words")),
    "short chunks": lambda: with_chunks(*[(kind, b"\0") for kind in (b"gAMA", b"cHRM", b"pHYs", b"eXIf", b"tIME")]),
    "a broken animation": lambda: with_chunks((b"acTL", b"\0"), (b"fcTL", b"\0")),
    "no dots in an inch": lambda: with_chunks((b"pHYs", bytes(8) + b"\1")),
    "a short JFIF segment": lambda: jpeg_with(0xE0, b"JFIF\0"),
    "a short Adobe segment": lambda: jpeg_with(0xEE, b"Adobe"),
    "no directory of pictures": lambda: jpeg_with(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "a directory of pictures that are not there": lambda: jpeg_with(
        0xE2, b"MPF\0" + MPF.replace(b"\1\0\0\0\1\0", b"\1\0\0\0\7\0")
    ),
    "image resources cut short": lambda: jpeg_with(0xED, b"Photoshop 3.0\0008BIM\3\xed\0\0\0\0\0\x10"),
    "EXIF in text": lambda: with_chunks(
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 9\nno digits"))
    ),
}


@pytest.mark.parametrize("name", STUMBLING)
def test_what_pillow_stumbles_over_is_passed_over(tmp_path: Path, name: str) -> None:
    data = STUMBLING[name]()
    plain = saved("JPEG", quality=95) if data[:2] == b"\xff\xd8" else saved("PNG")
    got, _ = read(tmp_path, data)
    np.testing.assert_array_equal(np.asarray(got), np.asarray(read(tmp_path, plain)[0]))


def turned_exif(tag: int, kind: int, value: bytes) -> bytes:
    """EXIF of a picture on its side, with one more tag, in the main directory, of any type and value."""
    tags = sorted([(0x0112, 3, struct.pack("<HH", 6, 0)), (tag, kind, value)])
    entries = b"".join(struct.pack("<HHL", tag, kind, 1) + value for tag, kind, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4 + 8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("tag", [0x0100, 0x010F, 0x011A, 0x0128, 0x0213, 0x8769, 0x8825, 0x9204, 0x9286])
def test_a_picture_is_turned_whatever_else_its_exif_holds(tmp_path: Path, kind: str, tag: int) -> None:
    """Tags of the wrong type; fractions over 0."""
    for value_kind, value in [
        (5, b"\x2a\0\0\0"),
        (2, b"ab\0\0"),
        (7, b"ab\0\0"),
        (12, b"\xff\xff\xff\xff"),
        (4, b"\xff" * 4),
    ]:
        block = turned_exif(tag, value_kind, value)
        if kind == "PNG":
            data = with_chunks((b"eXIf", block))
        elif kind == "JPEG":
            data = jpeg_with(0xE1, b"Exif\0\0" + block)
        else:
            data = saved("WEBP", exif=b"Exif\0\0" + block)
        assert read(tmp_path, data)[0].size == (32, 48), value_kind


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF", "PNG, by XMP"])
def test_every_orientation_is_made_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    """The stored picture is the upright one turned back: row and column 0 lie where the EXIF standard says."""
    whole({"AVIF": "avif", "HEIF": "heic"}.get(kind, "png"))
    upright_pixels = np.asarray(picture())
    back = {1: lambda p: p, 2: np.fliplr, 3: lambda p: np.rot90(p, 2), 4: np.flipud, 5: lambda p: np.swapaxes(p, 0, 1)}
    back |= {6: np.rot90, 7: lambda p: np.rot90(np.swapaxes(p, 0, 1), 2), 8: lambda p: np.rot90(p, -1)}
    stored, stream, exif = (
        Image.fromarray(np.ascontiguousarray(back[orientation](upright_pixels))),
        io.BytesIO(),
        Image.Exif(),
    )
    exif[0x0112] = orientation
    if kind == "PNG, by XMP":
        words = PngImagePlugin.PngInfo()
        words.add_itxt("XML:com.adobe.xmp", f'<rdf:Description tiff:Orientation="{orientation}"/>')
        stored.save(stream, "PNG", pnginfo=words)
    else:
        stored.save(
            stream,
            kind,
            exif=exif.tobytes() if kind == "HEIF" else exif,
            **({"lossless": True} if kind == "WEBP" else {}),
        )
    got = np.asarray(read(tmp_path, stream.getvalue())[0]).astype(int)
    assert got.shape == upright_pixels.shape
    assert np.abs(got - upright_pixels).mean() < 6


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_that_is_cut_is_refused_or_whole(tmp_path: Path, kind: str) -> None:
    data = whole(kind).data
    want, complaints = np.asarray(read(tmp_path, data)[0]), []
    for end in np.linspace(0, len(data) - 1, 60).astype(int):
        try:
            np.testing.assert_array_equal(np.asarray(read(tmp_path, data[:end])[0]), want)
        except UserError as error:
            complaints.append(str(error))
    assert len(complaints) > 10
    assert all(re.fullmatch(r".*a\.picture.*; wanted .*", words) for words in complaints), complaints


@pytest.mark.parametrize("kind", ["webp", "tiff", "gif", "png"])
def test_a_bomb_of_pixels_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    huge = {
        "webp": lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\x3f\0\xff\x3f\0" + b"VP8L" + bytes(8),
        "tiff": lambda: saved("TIFF").replace(
            struct.pack("<HHLL", 256, 4, 1, 48), struct.pack("<HHLL", 256, 4, 1, 10**8)
        ),
        "gif": lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0;",
        "png": lambda: with_checksums(saved("PNG")[:16] + struct.pack(">2L", 30000, 30000) + saved("PNG")[24:]),
    }
    with pytest.raises(UserError, match="; wanted") as caught:
        read(tmp_path, huge[kind]())
    assert "\n" not in str(caught.value)
    if kind != "webp":  # an older Pillow finds it broken first
        assert "too many pixels" in str(caught.value)
