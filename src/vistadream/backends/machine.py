"""What this machine has of the things that backends need."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from vistadream.backends import packages
from vistadream.backends.weights import hub, store
from vistadream.backends.weights.table import MODELS


@dataclass(frozen=True)
class Machine:
    """The facts that decide which backends can run."""

    cuda: bool = False
    """Torch sees an NVIDIA GPU."""
    packages: frozenset[str] = frozenset()
    """Import names of `packages.INSTALL` that are installed."""
    compiler: bool = False
    """gsplat's CUDA kernels are compiled already, or nvcc and a C++ compiler can compile them at first use."""
    weights: frozenset[str] = frozenset()
    """Models whose files are on this machine."""
    offline: bool = False
    """HF_HUB_OFFLINE forbids the network."""


def this_machine() -> Machine:
    """The facts of this machine. Imports torch, and none of the packages."""
    import torch

    return Machine(
        cuda=torch.cuda.is_available(),
        packages=frozenset(filter(packages.installed, packages.INSTALL)),
        compiler=_compiled() or (has_nvcc() and has_cxx()),
        weights=frozenset(name for name, model in MODELS.items() if store.find(model)),
        offline=hub.offline(),
    )


def _compiled() -> bool:
    """Whether gsplat came with its kernels (`gsplat/csrc.so`)."""
    folder = packages.folder("gsplat")
    return folder is not None and any(folder.glob("csrc*.so"))


def has_nvcc() -> bool:
    """Whether gsplat will find nvcc: on PATH, in CUDA_HOME or CUDA_PATH, or in /usr/local/cuda."""
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or "/usr/local/cuda"
    return shutil.which("nvcc") is not None or Path(home, "bin", "nvcc").is_file()


def has_cxx() -> bool:
    """Whether the C++ compiler that torch uses is installed: the one named by CXX, else c++."""
    words = shlex.split(os.environ.get("CXX", "")) or ["c++"]
    return shutil.which(words[0]) is not None
