"""The compilation cache: keyed by every source beside the kernel, and always somewhere writable."""

import logging
from pathlib import Path

import numba
import pytest

from vistadream.ops.numerics import jit


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    """Each test sees neither NUMBA_CACHE_DIR nor what other tests looked up."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    jit.cache_folder.cache_clear()
    yield
    jit.cache_folder.cache_clear()


def _package(folder: Path, helper: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "kernels.py").write_text("import helper")
    (folder / "helper.py").write_text(helper)
    jit.cache_folder.cache_clear()
    return jit.cache_folder(folder)


def test_an_edit_in_a_neighbouring_file_means_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = _package(tmp_path / "package", "x = 1")
    assert before == _package(tmp_path / "package", "x = 1")
    assert before != _package(tmp_path / "package", "x = 2")
    assert before.is_relative_to(tmp_path / "cache" / "vistadream" / "numba")


def test_numba_cache_dir_is_obeyed(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "chosen"))
    assert _package(tmp_path / "package", "x = 1").parent == tmp_path / "chosen"


def test_an_unwritable_cache_falls_back_to_a_private_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    folder = _package(tmp_path / "package", "x = 1")
    assert not folder.is_relative_to(tmp_path / "file")
    assert folder.parent.stat().st_mode & 0o077 == 0


def test_compilation_is_announced_only_when_the_cache_is_cold(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = _package(tmp_path / "package", "x = 1")
    caplog.set_level(logging.INFO)
    jit.announce_compilation(str(tmp_path / "package" / "kernels.py"), "toy", 3)
    assert [record.message for record in caplog.records] == ["compiling the toy, about 3 s, once"]
    (folder / "kernel.nbc").touch()
    jit.announce_compilation.cache_clear()
    jit.announce_compilation(str(tmp_path / "package" / "kernels.py"), "toy", 3)
    assert len(caplog.records) == 1


def test_kernels_compile_into_the_folder_and_leave_numba_configured_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    @jit.kernel(nogil=True)
    def double(x):
        return 2 * x

    assert double(3) == 6
    assert list(jit.cache_folder(Path(__file__).parent).rglob("*.nbc"))
    assert numba.config.CACHE_DIR == ""
