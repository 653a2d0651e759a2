"""Where workers run: one on each GPU, or one on the processors."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_LIST = ("nvidia-smi", "-L")
_WAIT_S = 10
_GPU = re.compile(r"^GPU \d+:.*\(UUID: (GPU-[\w-]+)\)")
_PART = re.compile(r"^\s+MIG .*\(UUID: (MIG-[\w/-]+)\)")


@dataclass(frozen=True)
class Slot:
    """The place of one worker."""

    name: str
    environment: Mapping[str, str]
    """What its process gets to see of the machine."""


def slots(workers: int | Literal["auto"], gpus: Sequence[str] | None = None, cores: int | None = None) -> list[Slot]:
    """The places of a number of workers; auto: one for each GPU, or one where there is none.

    GPUs are dealt out in turn; without any, the cores are shared evenly. Both are those that this process may use,
    unless they are given.
    """
    gpus = visible_gpus() if gpus is None else gpus
    cores = cores or len(os.sched_getaffinity(0))
    count = (len(gpus) or 1) if workers == "auto" else workers
    threads = str(max(1, cores // max(1, count)))
    if not gpus:
        return [Slot(f"cpu{n}", {"OMP_NUM_THREADS": threads}) for n in range(count)]
    dealt = [gpus[n % len(gpus)] for n in range(count)]
    return [Slot(f"gpu{n}", {"CUDA_VISIBLE_DEVICES": gpu, "OMP_NUM_THREADS": threads}) for n, gpu in enumerate(dealt)]


def visible_gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES names, or else every GPU, and of a divided GPU its parts. Imports no torch."""
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name.strip() for name in named.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    try:
        listed = subprocess.run(_LIST, capture_output=True, text=True, timeout=_WAIT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return devices_in(listed)


def devices_in(listed: str) -> list[str]:
    """The devices that `nvidia-smi -L` lists."""
    found: list[list[str]] = []
    for line in listed.splitlines():
        if gpu := _GPU.match(line):
            found.append([gpu[1]])
        elif (part := _PART.match(line)) and found:
            found[-1].append(part[1])
    return [name for gpu, *parts in found for name in (parts or [gpu])]
