"""Digests of large files are remembered until the file changes."""

import os
from pathlib import Path

import pytest

from vistadream.formats.files import sha256_of
from vistadream.runs import digests


@pytest.fixture
def reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Which files were read, where a file of ten bytes is large."""
    read: list[Path] = []

    def reading(file: Path) -> str:
        read.append(file)
        return sha256_of(file)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "LARGE_BYTES", 10)
    monkeypatch.setattr(digests, "sha256_of", reading)
    return read


def test_a_large_file_is_read_once_until_it_changes(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"0123456789")
    assert digests.digest_of(file) == digests.digest_of(file) == sha256_of(file)
    assert reads == [file]
    file.write_bytes(b"9876543210")
    os.utime(file, ns=(1, 1))
    assert digests.digest_of(file) == sha256_of(file)
    assert reads == [file, file]


def test_a_small_file_is_always_read(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "a"
    for text in ("a", "b"):
        file.write_text(text)
        os.utime(file, ns=(1, 1))
        assert digests.digest_of(file) == sha256_of(file)
    assert len(reads) == 2
    assert not (tmp_path / "cache").exists()


def test_a_damaged_memory_and_one_that_cannot_be_written_cost_one_reading(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"0123456789")
    digests.digest_of(file)
    (kept,) = (tmp_path / "cache" / "vistadream" / "digests").iterdir()
    for damage in (b"", b"\xff" * 64, b"no digest"):
        kept.write_bytes(damage)
        assert digests.digest_of(file) == sha256_of(file)
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("a file where the folder was")
    assert digests.digest_of(file) == sha256_of(file)
