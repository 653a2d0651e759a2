"""gsplat's own build, with a compiler that fails in every way: one sentence, and the way out of it."""

import subprocess
import sys

import pytest
import torch.utils.cpp_extension as builds

from vistadream.backends.render.gsplat_kernels import require_kernels
from vistadream.core import UserError

pytest.importorskip("gsplat", reason="gsplat is not installed: see the extra dev")
MODULE = "gsplat.cuda._backend"
COMPILER = """Error building extension 'gsplat_cuda': [1/14] /usr/bin/nvcc --generate-dependencies-with-compile ...
FAILED: [code=1] Projection.cuda.o
/usr/include/host_config.h:143:2: error: #error -- unsupported GNU version! gcc later than 14 is not supported!
ninja: build stopped: subcommand failed.
"""


@pytest.fixture(autouse=True)
def toolkit(monkeypatch, tmp_path) -> None:
    """A CUDA toolkit as gsplat looks for it, a folder for builds, and no kernels from before."""
    nvcc = tmp_path / "cuda" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.touch()
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "builds"))
    monkeypatch.setattr(builds, "_find_cuda_home", lambda: str(tmp_path / "cuda"))
    monkeypatch.setitem(sys.modules, "gsplat.csrc", None)
    monkeypatch.setitem(sys.modules, MODULE, None)  # restored afterwards
    del sys.modules[MODULE]
    require_kernels.cache_clear()


def refused(says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        require_kernels()
    sentence = str(caught.value)
    assert "backends/render=cpu" in sentence
    assert "nvcc" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RuntimeError(COMPILER), "unsupported GNU version"),
        (RuntimeError("Error building extension 'gsplat_cuda'\nc++: fatal error: Killed signal terminated"), "Killed"),
        (RuntimeError("Ninja is required to load C++ extensions (pip install ninja)"), "Ninja is required"),
        (RuntimeError(""), "no reason is given"),
        (RuntimeError("x" * 10_000), "xxx"),
        (ImportError("gsplat_cuda.so: undefined symbol: _ZN3c104cuda"), "undefined symbol"),
        (OSError("CUDA_HOME is not set"), "gsplat_cuda"),  # gsplat then looks for a build from before
        (subprocess.CalledProcessError(1, ["c++", "--version"]), "non-zero exit status 1"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_build_that_fails_is_one_sentence(monkeypatch, error, says):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(builds, "_jit_compile", fail)
    refused(says)


def test_without_a_toolkit_it_is_said(monkeypatch):
    monkeypatch.setattr(builds, "_find_cuda_home", lambda: None)
    refused("there is no CUDA toolkit")


def test_kernels_that_compile_are_compiled_once(monkeypatch):
    built = []
    monkeypatch.setattr(builds, "_jit_compile", lambda *_, **__: built.append(1) or object())
    require_kernels()
    require_kernels()
    assert built == [1]
    require_kernels.cache_clear()
