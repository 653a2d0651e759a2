"""What is wrong with a zip is said before anything of it is unpacked, quickly and in little memory."""

import io
import os
import stat
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vistadream.formats.zip_archive import is_zip
from vistadream.service.batches.knobs import BatchKnobs
from vistadream.service.batches.unpack import unpack
from vistadream.service.batches.zip_check import opened
from vistadream.service.problems import ProblemError

KNOBS = BatchKnobs(max_upload_mb=100, max_files=20, max_unpacked_mb=2, max_ratio=100)
RANDOM = os.urandom(50_000)


def entry(name: str, content: bytes = RANDOM, **about: object) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo("placeholder")
    for key, value in {"compress_type": zipfile.ZIP_DEFLATED, **about, "filename": name}.items():
        setattr(info, key, value)
    return info, content


def zip_of(*entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for info, content in entries:
            archive.writestr(info, content)
    return stream.getvalue()


def names_in(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    with opened(path, KNOBS) as (_, infos):
        return [info.filename for info in infos]


def link() -> bytes:
    return zip_of(entry("a.jpg", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16))


def encrypted() -> bytes:
    content = bytearray(zip_of(entry("a.jpg")))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def twice() -> bytes:
    return zip_of(entry("a.jpg"), entry("b.jpg")).replace(b"b.jpg", b"a.jpg")


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "absolute": (lambda: zip_of(entry("/etc/cron.d/a.jpg")), "no path inside"),
    "windows": (lambda: zip_of(entry("C:\\a.jpg")), "no path inside"),
    "NUL": (lambda: zip_of(entry("a.jpgx")).replace(b"a.jpgx", b"a.jp\0x"), "no path inside"),
    "upwards": (lambda: zip_of(entry("../../a.jpg")), "leads out of the zip"),
    "upwards inside": (lambda: zip_of(entry("x/../../a.jpg")), "leads out of the zip"),
    "upwards by backslashes": (lambda: zip_of(entry("x\\..\\..\\a.jpg")), "leads out of the zip"),
    "link": (link, "is a link or a device"),
    "encrypted": (encrypted, "is encrypted"),
    "lzma": (lambda: zip_of(entry("a.jpg", compress_type=zipfile.ZIP_LZMA)), "other than deflate"),
    "twice": (twice, "is there twice"),
    "bomb": (lambda: zip_of(entry("a.jpg", bytes(1_500_000))), "times as large when it is unpacked"),
    "large together": (lambda: zip_of(*(entry(f"{n}.jpg", RANDOM * 3) for n in range(15))), "2 MB when they are"),
    "many": (lambda: zip_of(*(entry(f"{n}.jpg", b"x") for n in range(21))), "21 files; wanted at most 20"),
    "half": (lambda: zip_of(entry("a.jpg"))[:-30], "cannot be read"),
    "no zip": (lambda: b"PK\x03\x04 and nothing", "cannot be read"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_zip_is_one_sentence(kind, tmp_path):
    make, said = BAD[kind]
    with pytest.raises(ProblemError) as caught:
        names_in(tmp_path / "a.zip", make())
    assert said in str(caught.value)
    assert caught.value.status == 422
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_pictures_are_found_and_what_systems_add_is_left_out(tmp_path):
    extra = ("__MACOSX/._a.jpg", ".DS_Store", "x/.hidden.jpg", "x/Thumbs.db")
    content = zip_of(entry("x/", b""), entry("x/a.jpg"), entry("b.png"), *(entry(name, b"x") for name in extra))
    assert names_in(tmp_path / "a.zip", content) == ["x/a.jpg", "b.png"]


def test_a_million_files_are_refused_in_little_memory(tmp_path):
    """The end of the zip says how long its directory is; that is enough to refuse it."""
    header = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 1_000_000
    size = count * len(header)
    path = tmp_path / "a.zip"
    with path.open("wb") as stream:
        stream.write(b"PK\x03\x04")
        stream.write(header * count)
        stream.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 4))
        stream.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, 4 + size, 1))
        stream.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    assert is_zip(path)
    tracemalloc.start()
    began_s = time.perf_counter()
    with pytest.raises(ProblemError, match="a directory of 47000000 bytes; wanted a smaller one"), opened(path, KNOBS):
        pass
    took_s, (_, peak) = time.perf_counter() - began_s, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
    assert took_s < 1


def test_a_file_that_is_longer_than_the_directory_says_is_not_unpacked_further(tmp_path):
    content = bytearray(zip_of(entry("a.jpg", RANDOM, compress_type=zipfile.ZIP_STORED)))
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 24, 100)
    (tmp_path / "a.zip").write_bytes(content)
    with opened(tmp_path / "a.zip", KNOBS) as (archive, infos), pytest.raises(ProblemError, match="cannot be unpacked"):
        unpack(archive, infos[0], tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").stat().st_size <= 100


def test_a_zip_in_a_zip_is_refused_whatever_its_name(tmp_path):
    inner = zip_of(entry("a.jpg"))
    (tmp_path / "a.zip").write_bytes(zip_of(entry("photo.jpg", inner)))
    with opened(tmp_path / "a.zip", KNOBS) as (archive, infos), pytest.raises(ProblemError, match="is a zip; wanted"):
        unpack(archive, infos[0], tmp_path / "a.jpg")


def test_what_is_unpacked_has_the_bytes_and_their_digest(tmp_path):
    import hashlib

    (tmp_path / "a.zip").write_bytes(zip_of(entry("x/a.jpg")))
    with opened(tmp_path / "a.zip", KNOBS) as (archive, infos):
        upload = unpack(archive, infos[0], tmp_path / "upload")
    assert (tmp_path / "upload").read_bytes() == RANDOM
    assert (upload.file_name, upload.file_bytes) == ("x/a.jpg", len(RANDOM))
    assert upload.sha256 == hashlib.sha256(RANDOM).hexdigest()
