"""How many workers share the processors best: measured on the sample, and kept for this machine. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

from vistadream.core import UserError
from vistadream.formats.files import cache_home, new_file, write_json
from vistadream.formats.json_file import read_json
from vistadream.version import __version__

_CLEARLY = 1.03
"""More workers have to be faster by this factor: with fewer, each job ends sooner."""
_MEMORY_SHARE = 0.8
"""Of the free memory that workers may take."""
WORDS = (
    "stage=coarse", "max_resolution=128", "recipe=quick", "export=[gaussians]", "export.report=false", "seed=0",
)  # fmt: skip
"""The sample, small: seconds, and yet with every kind of work of a run on the processors."""
_PACKAGES = ("torch", "numba", "numpy", "opencv-python-headless")


@dataclass(frozen=True)
class Option:
    """A number of workers, and of the threads that each has."""

    workers: int
    threads: int


@dataclass(frozen=True)
class Measured:
    """What came out of an option."""

    option: Option
    jobs_per_hour: float
    rss_bytes: int
    """The memory of the largest worker."""
    digest: str
    """sha256 of the scene; more than one, joined by "+", where workers differ."""


@dataclass(frozen=True)
class Choice:
    """The best option with all that was measured, and what was left out, with its reason."""

    best: Option
    measured: Sequence[Measured]
    left_out: Sequence[str]


Measure = Callable[[Option], Measured]


def options(cores: int) -> list[Option]:
    """The ways to share the cores evenly; a single one where there is nothing to choose."""
    return [Option(workers, cores // workers) for workers in range(1, cores + 1) if _is_even(workers, cores)]


def _is_even(workers: int, cores: int) -> bool:
    return cores % workers == 0 and (workers & (workers - 1) == 0 or workers == cores)


def choose(possible: Sequence[Option], measure: Measure, free_bytes: int, say: Callable[[str], object]) -> Choice:
    """Measures the options that fit the memory, and takes the one with most jobs an hour among those with equal scenes.

    The first option says which scene is the right one, and how much memory a worker takes.
    """
    measured: list[Measured] = []
    left_out: list[str] = []
    for option in possible:
        if measured and (reason := _too_large(option, measured[0].rss_bytes, free_bytes)):
            left_out.append(reason)
            continue
        say(f"{_named(option)}: measuring on the sample")
        measured.append(found := measure(option))
        say(f"{_named(option)}: {found.jobs_per_hour:.0f} jobs an hour, {found.rss_bytes / 1e9:.1f} GB each")
    equal = [each for each in measured if each.digest == measured[0].digest]
    left_out += [f"{_named(each.option)}: other bytes" for each in measured if each not in equal]
    best = equal[0]
    for each in equal[1:]:
        best = each if each.jobs_per_hour > _CLEARLY * best.jobs_per_hour else best
    return Choice(best.option, measured, left_out)


def measure(option: Option, words: Sequence[str] = WORDS) -> Measured:
    """Has the workers run the sample at the same time, after each has run it once. UserError if one ends early."""
    command = [sys.executable, "-m", "vistadream.workers.trial", *words]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        environment = {**os.environ, "OMP_NUM_THREADS": str(option.threads), "CUDA_VISIBLE_DEVICES": ""}
        workers = [
            stack.enter_context(
                subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment, start_new_session=True)
            )
            for _ in range(option.workers)
        ]
        for worker in workers:
            stack.callback(worker.stdin.close)  # which ends it
        first = [_answer(worker) for worker in workers]
        began_s = time.monotonic()
        for worker in workers:
            worker.stdin.write("again\n")
            worker.stdin.flush()
        second = [_answer(worker) for worker in workers]
        took_s = time.monotonic() - began_s
    digests = sorted({each["digest"] for each in (*first, *second)})
    rss_bytes = max(each["rss_bytes"] for each in second)
    return Measured(option, round(3600 * option.workers / took_s, 1), rss_bytes, "+".join(digests))


def tuned(say: Callable[[str], object], anew: bool = False) -> Choice | None:
    """The choice for this machine: the kept one, unless it is asked for `anew`, else a new one, which is then kept.

    None where one worker is all that there is to choose from.
    """
    if (kept := kept_choice()) and not anew:
        return kept
    possible = options(len(os.sched_getaffinity(0)))
    if len(possible) < 2:
        return None
    choice = choose(possible, measure, round(_MEMORY_SHARE * psutil.virtual_memory().available), say)
    kept_at().parent.mkdir(parents=True, exist_ok=True)
    with new_file(kept_at()) as draft:
        write_json(draft, {"facts": facts(), **asdict(choice)})
    return choice


def kept_choice() -> Choice | None:
    """The choice that was kept for this machine and these versions."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = read_json(kept_at())
        measured = [Measured(**{**each, "option": Option(**each["option"])}) for each in kept["measured"]]
        return Choice(Option(**kept["best"]), measured, list(kept["left_out"]))
    return None


def kept_at() -> Path:
    """The file of the choice. Its name is made from the machine and the versions, so it counts for these alone."""
    name = hashlib.sha256(json.dumps(facts(), sort_keys=True).encode()).hexdigest()
    return cache_home() / "tuning" / f"{name}.json"


def facts() -> dict[str, object]:
    """What a choice depends on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "vistadream": __version__,
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return platform.processor()


def _answer(worker: subprocess.Popen) -> dict:
    if not (line := worker.stdout.readline()):
        raise UserError("a worker of the measurement ended early; wanted one that runs the sample: free some memory")
    return json.loads(line)


def _too_large(option: Option, each_bytes: int, free_bytes: int) -> str | None:
    if option.workers * each_bytes <= free_bytes:
        return None
    need, free = option.workers * each_bytes / 1e9, free_bytes / 1e9
    return f"{_named(option)}: takes {need:.1f} GB of memory, and {free:.1f} GB are there for it"


def _named(option: Option) -> str:
    """In words."""
    workers = f"{option.workers} worker{'s' * (option.workers > 1)}"
    return f"{workers} with {option.threads} thread{'s' * (option.threads > 1)} each"
