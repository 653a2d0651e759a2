"""The compilation cache: keyed by every source beside the kernel, and always somewhere writable."""

import ast
import logging
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from vistadream.ops.numerics import jit

SRC = Path(jit.__file__).parents[2]
WITH_KERNELS = sorted(file for file in SRC.rglob("*.py") if "@kernel(" in file.read_text())


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    """Each test sees neither NUMBA_CACHE_DIR nor what other tests looked up."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    jit.cache_folder.cache_clear()
    yield
    jit.cache_folder.cache_clear()


def _package(folder: Path, helper: str, **others: str) -> Path:
    """The cache folder of a package whose kernels import `helper`, which imports `constants`."""
    folder.mkdir(exist_ok=True)
    sources = {"kernels": "from package.helper import x\n\n@kernel()\ndef f(): return x", "helper": helper}
    for name, source in (sources | others).items():
        (folder / f"{name}.py").write_text(source)
    jit.cache_folder.cache_clear()
    return jit.cache_folder(folder)


def test_an_edit_in_a_file_that_kernels_import_means_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = _package(tmp_path / "package", "x = 1")
    assert before == _package(tmp_path / "package", "x = 1")
    assert before != _package(tmp_path / "package", "x = 2")
    assert before.is_relative_to(tmp_path / "cache" / "vistadream" / "numba")


def test_the_files_that_count_are_those_that_kernels_import_in_turn(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    helper = "import package.constants as c\nx = c.x"
    before = _package(tmp_path / "package", helper, constants="x = 1", user="from package.kernels import f")
    assert before == _package(tmp_path / "package", helper, constants="x = 1", user="pass", new="x = 1")
    assert before != _package(tmp_path / "package", helper, constants="x = 2")


def _kernels(tree: ast.Module) -> list[ast.FunctionDef]:
    """Functions of a file that numba compiles."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(decorator).startswith(("kernel", "inlined")) for decorator in node.decorator_list)
    ]


def _foreign(tree: ast.Module, package: str) -> set[str]:
    """Names that a file imports from other packages of ours."""
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("vistadream")
        for alias in node.names
        if node.module.rpartition(".")[0] != package
    }


@pytest.mark.parametrize("file", WITH_KERNELS, ids=lambda file: file.stem)
def test_kernels_use_nothing_from_other_packages_of_ours(file):
    tree = ast.parse(file.read_text())
    foreign = _foreign(tree, ".".join(file.relative_to(SRC.parent).parent.parts))
    assert _kernels(tree)
    for kernel in _kernels(tree):
        names = [node for statement in kernel.body for node in ast.walk(statement) if isinstance(node, ast.Name)]
        local = {name.id for name in names if isinstance(name.ctx, ast.Store)} | {a.arg for a in kernel.args.args}
        used = {name.id for name in names} - local
        assert not used & foreign, f"{kernel.name}: the cache would not notice an edit there"


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


KERNELS = """
from vistadream.ops.numerics.jit import kernel

@kernel()
def double(x):
    return 2 * x
"""


CALL = """
import sys
from package.kernels import double
x = eval(sys.argv[1])
assert double(x) == 2 * x
print(sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def hits(tmp_path, monkeypatch):
    """Calls the kernel of a folder with numbers of several types, all at once: how often each found its code."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    def call(folder: Path, *values: str) -> list[int]:
        command, how = [sys.executable, "-c", CALL], {"cwd": folder, "stdout": subprocess.PIPE, "text": True}
        processes = [subprocess.Popen([*command, value], **how) for value in values]
        return [int(process.communicate()[0]) for process in processes]

    return call


def test_processes_lose_no_version_of_a_kernel_and_a_copy_needs_no_compilation(tmp_path, hits):
    (tmp_path / "old" / "package").mkdir(parents=True)
    (tmp_path / "old" / "package" / "kernels.py").write_text(KERNELS)
    assert hits(tmp_path / "old", "3", "3.0", "3j") == [0, 0, 0]
    copy = shutil.copytree(tmp_path / "old", tmp_path / "new", copy_function=shutil.copyfile)
    assert hits(copy, "3", "3.0", "3j") == [1, 1, 1]


def test_kernels_compile_into_the_folder_and_leave_numba_configured_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    @jit.kernel(nogil=True)
    def double(x):
        return 2 * x

    assert double(3) == 6
    assert list(jit.cache_folder(Path(__file__).parent).rglob("*.nbc"))
    assert numba.config.CACHE_DIR == ""


def test_a_cache_that_cannot_be_written_ends_no_run(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))

    @jit.kernel()
    def twice(x):
        return 2 * x

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))  # stands in for a full disk
    try:
        with caplog.at_level(logging.WARNING):
            assert twice(3) == 6
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "compiled code cannot be kept in" in caplog.text
