"""gsplat's CUDA kernels, which it compiles at first use; an error of one sentence if that fails."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from subprocess import SubprocessError

import torch

from vistadream.backends import packages
from vistadream.core import UserError

_CAUSE = re.compile(r"error:|fatal|not found|killed|undefined symbol|is required", re.IGNORECASE)
_LONGEST = 200
"""Maximum length of the compiler's line in the message, in characters."""


@cache
def require_kernels() -> None:
    """Compiles the kernels unless they are compiled already. Raises UserError if that fails."""
    packages.load("gsplat")
    try:
        kernels = import_module("gsplat.cuda._backend")._C
    except (RuntimeError, ImportError, OSError, SubprocessError) as error:
        raise _failure(_reason(str(error))) from error
    if kernels is None:
        raise _failure("there is no CUDA toolkit")


def _failure(reason: str) -> UserError:
    return UserError(
        f"gsplat's kernels could not be compiled ({reason}); wanted nvcc of torch's CUDA ({torch.version.cuda}), a C++ "
        "compiler that nvcc supports, and memory for both (MAX_JOBS=2 takes less), see docs/weights.md; or "
        "backends/render=cpu"
    )


def _reason(output: str) -> str:
    """The line of a compiler's output that gives the cause."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason is given"]
    return next(filter(_CAUSE.search, lines), lines[0])[:_LONGEST]
