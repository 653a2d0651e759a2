"""Where a stage keeps files while it works: in the folder of the run, so that a killed run can use them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_folder: ContextVar[Path | None] = ContextVar("work_folder", default=None)


@contextmanager
def use_work_folder(folder: Path) -> Iterator[None]:
    """While the block runs, backends work in this folder, which need not exist."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def current_work_folder() -> Path | None:
    """The folder of the `use_work_folder` block that is running; None outside such a block.

    Who uses it makes a folder of its own in it. What is left there becomes a part of the finished stage.
    """
    return _folder.get()
