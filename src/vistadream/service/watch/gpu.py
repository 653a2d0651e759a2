"""Memory and use of NVIDIA's GPUs by the package nvidia-ml-py, where it and a driver are installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import ModuleType


@dataclass(frozen=True)
class Gpu:
    """One GPU at this moment."""

    memory_used_bytes: int
    memory_total_bytes: int
    use: float
    """The share of time in which it worked lately, 0 to 1."""


def gpus() -> list[Gpu]:
    """All GPUs of this machine; empty where they cannot be asked."""
    if (library := _library()) is None:
        return []
    try:
        return [_gpu(library, number) for number in range(library.nvmlDeviceGetCount())]
    except library.NVMLError:  # such as a driver that is being replaced
        return []


@cache
def _library() -> ModuleType | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # there is no driver
        return None
    return pynvml


def _gpu(library: ModuleType, number: int) -> Gpu:
    handle = library.nvmlDeviceGetHandleByIndex(number)
    memory, use = library.nvmlDeviceGetMemoryInfo(handle), library.nvmlDeviceGetUtilizationRates(handle)
    return Gpu(memory.used, memory.total, use.gpu / 100)
