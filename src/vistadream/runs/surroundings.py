"""The state of the process that a run needs. At the end everything is restored to the state of the caller."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

_log = logging.getLogger("vistadream")
_RUNNING = threading.RLock()
_CPU = torch.device("cpu")


@contextmanager
def surroundings() -> Iterator[None]:
    """Allows one run at a time, with the defaults of torch, and sends Python's warnings to the log.

    A program can start runs from threads, within `torch.inference_mode()`, or with another default dtype or device. All
    runs use one logger, and the defaults of torch belong to the process; therefore a run in a second thread waits.
    """
    with _one_at_a_time(), _torch_defaults(), _own_logging():
        yield


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _RUNNING.acquire(blocking=False):
        _log.warning("a run waits for another one in this process to end")  # this level is always shown
        _RUNNING.acquire()
    try:
        yield
    finally:
        _RUNNING.release()


@contextmanager
def _torch_defaults() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device() != _CPU:
            stack.enter_context(_CPU)
        if (dtype := torch.get_default_dtype()) != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        if mode := torch.get_deterministic_debug_mode():  # some operations here have no deterministic version on a GPU
            torch.set_deterministic_debug_mode(0)
            stack.callback(torch.set_deterministic_debug_mode, mode)
        yield


@contextmanager
def _own_logging() -> Iterator[None]:
    """Sends warnings to the log. logging.captureWarnings is not used: it is global, and can be on already."""
    level = _log.level
    with warnings.catch_warnings():
        warnings.showwarning = _log_warning
        _log.setLevel(logging.INFO)
        try:
            yield
        finally:
            _log.setLevel(level)


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Replaces `warnings.showwarning`; the record is the same as that of logging.captureWarnings."""
    logging.getLogger("py.warnings").warning("%s", warnings.formatwarning(message, category, filename, lineno, line))
