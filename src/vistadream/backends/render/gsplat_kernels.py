"""gsplat's CUDA kernels, which it compiles at their first use; one sentence where that fails."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from subprocess import SubprocessError

import torch

from vistadream.backends import packages
from vistadream.core import UserError

_TELLING = re.compile(r"error:|fatal|not found|killed|undefined symbol|is required", re.IGNORECASE)
_LONGEST = 200
"""Characters of a compiler's line that are shown."""


@cache
def require_kernels() -> None:
    """Compiles the kernels unless that was done before. Raises UserError where they cannot be had."""
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
    """The line that says what went wrong, out of all that a compiler printed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason is given"]
    return next(filter(_TELLING.search, lines), lines[0])[:_LONGEST]
