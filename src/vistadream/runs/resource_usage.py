"""Duration and peak memory of a piece of work."""

from __future__ import annotations

import threading
import time

import psutil
import torch


class Laps:
    """Wall-clock seconds of the successive parts of a run; a call with the name of a part ends that part."""

    def __init__(self, begun_s: float):
        """The first part began at `begun_s`, a time of `time.perf_counter()`."""
        self.seconds: dict[str, float] = {}
        self._last_s = begun_s

    def __call__(self, part: str) -> None:
        self.seconds = self.until_now(part)
        self._last_s = time.perf_counter()

    def until_now(self, part: str) -> dict[str, float]:
        """The seconds of all parts, as if `part` ended now."""
        return {**self.seconds, part: time.perf_counter() - self._last_s}


class ResourceUsage:
    """A context manager that measures the time and samples the resident memory of the process while the block runs.

    `peak_vram_bytes` is the largest amount that torch reserved on the GPU; None when it did not use one.
    """

    def __init__(self, every_s: float = 0.05):
        self.seconds = 0.0
        self.peak_bytes = 0
        self.peak_vram_bytes: int | None = None
        self._every_s = every_s
        self._stop = threading.Event()
        self._process = psutil.Process()

    def _sample(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)
            if self._stop.wait(self._every_s):
                return

    def __enter__(self) -> ResourceUsage:
        if torch.cuda.is_initialized():
            torch.cuda.reset_peak_memory_stats()
        self._begun = time.perf_counter()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
        if torch.cuda.is_initialized():
            self.peak_vram_bytes = torch.cuda.max_memory_reserved()
        self._stop.set()
        self._thread.join()
