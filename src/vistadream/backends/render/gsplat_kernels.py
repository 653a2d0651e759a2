"""gsplat's CUDA kernels, which it compiles at first use; an error of one sentence if that fails."""

from __future__ import annotations

import os
import re
from functools import cache
from subprocess import SubprocessError

import torch

from vistadream.backends import packages
from vistadream.backends.machine import has_cxx
from vistadream.backends.render.gsplat_build import Build, built, import_kernels
from vistadream.core import Note, UserError, tell

_CAUSE = re.compile(r"error:|fatal|not found|killed|undefined symbol|is required", re.IGNORECASE)
_LONGEST = 200
"""Maximum length of the compiler's line in the message, in characters."""
_JOB_SECONDS = 86 * 14
"""Seconds of a build with one job, from one of 86 s with 14 jobs."""
_background: list[Build] = []
"""The build that this process has started, if any."""


def begin_build() -> None:
    """Starts to compile the kernels in the background unless they are compiled. UserError without a C++ compiler."""
    packages.load("gsplat")
    if not built() and not _background:
        _announce("; the run goes on meanwhile, until it has to draw")
        _background.append(Build())


@cache
def require_kernels() -> None:
    """Compiles the kernels unless they are compiled already. Raises UserError if that fails."""
    packages.load("gsplat")
    if _background:
        _wait(_background.pop())
    elif not built():
        _announce("")
    try:
        kernels = import_kernels()
    except (RuntimeError, ImportError, OSError, SubprocessError) as error:
        raise _failure(_reason(str(error))) from error
    if kernels is None:
        raise _failure(_reason("there is no CUDA toolkit"))


def _announce(meanwhile: str) -> None:
    """Says that a build begins and about how long it takes."""
    if not has_cxx():
        raise _failure("there is no C++ compiler: sudo apt install g++, or conda install -c conda-forge gxx")
    wanted = os.environ.get("MAX_JOBS", "")
    jobs = min(int(wanted) if wanted.isdecimal() else 10, os.cpu_count() or 1) or 1  # 10 is gsplat's own number
    seconds = round(_JOB_SECONDS / jobs)
    _note(f"gsplat's kernels are compiled, once on this computer: about {seconds} s with {jobs} jobs{meanwhile}")


def _wait(build: Build) -> None:
    if build.running():
        _note("the run waits until gsplat's kernels are compiled")
    if (output := build.result()) is not None:
        raise _failure(_reason(output))


def _note(text: str) -> None:
    tell("render/kernels", Note(text))


def _failure(reason: str) -> UserError:
    return UserError(
        f"gsplat's kernels could not be compiled ({reason}); wanted nvcc of torch's CUDA ({torch.version.cuda}), a C++ "
        "compiler that nvcc supports, and memory for both (MAX_JOBS=2 takes less), see docs/weights.md; or "
        "backends/render=cpu"
    )


def _reason(output: str) -> str:
    """The line of a compiler's output that gives the cause; where nvcc is missing, the command that installs it."""
    if "no CUDA toolkit" in output:
        return f"there is no CUDA toolkit: conda install -c nvidia cuda-toolkit={torch.version.cuda}, or set CUDA_HOME"
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason is given"]
    return next(filter(_CAUSE.search, lines), lines[0])[:_LONGEST]
