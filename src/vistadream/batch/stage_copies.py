"""Finished stages of an item under way, copied to an object store, so that another machine goes on after them."""

from __future__ import annotations

import io
import logging
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from vistadream.batch.again import again
from vistadream.formats.files import new_file
from vistadream.runs.paths import RunPaths

_log = logging.getLogger("vistadream.batch")
_LOOK_S = 1.0


class _Store(Protocol):
    """What is needed of an object store."""

    def put_file(self, key: str, file: Path) -> None:
        """Stores a file, whole or not at all."""

    def get(self, key: str) -> bytes:
        """The content of a file."""

    def list(self, prefix: str) -> Iterator[str]:
        """The keys that begin with a prefix."""


def copies_key(id: str) -> str:
    """Where the stages of an item are while it is not published."""
    return f"work/{id}"


@contextmanager
def copied_stages(store: _Store, id: str, run: Path) -> Iterator[None]:
    """Brings the stages that are copied into a run folder, and copies those that are finished in the block."""
    copied = set(_brought_back(store, id, run))

    def copy() -> None:
        for name in RunPaths(run).finished_stages():
            try:
                if name not in copied:
                    _copy(store, id, RunPaths(run).stage(name))
                copied.add(name)
            except OSError as error:  # the next look tries again, and work goes on meanwhile
                _log.warning("stage %s of %s could not be copied: %s", name, id, error)

    with again(copy, _LOOK_S, "copies"):
        yield


def _brought_back(store: _Store, id: str, run: Path) -> Iterator[str]:
    """Unpacks the stages that are not in the run folder; the names of all that are copied."""
    for key in sorted(store.list(f"{copies_key(id)}/")):
        folder = PurePosixPath(key).stem
        yield folder[3:]
        if not (run / folder).exists():
            run.mkdir(parents=True, exist_ok=True)
            with new_file(run / folder) as draft, tarfile.open(fileobj=io.BytesIO(store.get(key))) as packed:
                packed.extractall(draft, filter="data")


def _copy(store: _Store, id: str, stage: Path) -> None:
    with tempfile.NamedTemporaryFile(suffix=".tar") as packed:
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.add(stage, arcname=".")
        packed.flush()
        store.put_file(f"{copies_key(id)}/{stage.name}.tar", Path(packed.name))
