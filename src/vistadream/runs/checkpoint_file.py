"""The newest state of a fit in one safetensors file. A key ensures that no other fit, knobs or inputs use it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vistadream.core import Note, tell
from vistadream.formats.files import new_file


class CheckpointFile:
    """Implements `core.Checkpoints`. A file that is damaged or cannot be written causes a warning only."""

    def __init__(self, path: Path, key: str, every_s: float):
        """`key` identifies all that the result depends on; a state is due `every_s` seconds after the last one."""
        self._path, self._key, self._every_s = path, key, every_s
        self._begun = self._saved_at = time.monotonic()
        written = self._written() or {}
        self.earlier_s = float(written.get("seconds", 0)) if written.get("key") == key else 0.0
        """Seconds that earlier processes with this key had worked when they saved last."""

    def load(self, name: str) -> dict[str, Tensor] | None:
        """The state of that fit under this key; None when there is none."""
        if not self._path.exists() or self.is_foreign(name):
            return None
        try:
            with safe_open(self._path, "pt") as file:
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            self._warn(f"{self._path} cannot be read ({error}): {name} starts from its first step")
            return None

    def is_foreign(self, name: str) -> bool:
        """Whether the file is complete and belongs to another key or another fit."""
        written = self._written()
        return written is not None and not self._facts(name).items() <= written.items()

    def _written(self) -> dict[str, str] | None:
        """The metadata of the file; None when there is no complete file."""
        try:
            with safe_open(self._path, "pt") as file:
                return file.metadata() or {}
        except (SafetensorError, OSError):
            return None

    def due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._every_s

    def save(self, name: str, state: Mapping[str, Tensor]) -> None:
        """Writes under a temporary name and renames, so that a killed process leaves the old file or the new one."""
        copy = {
            key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for key, tensor in state.items()
        }
        seconds = self.earlier_s + time.monotonic() - self._begun
        try:
            with new_file(self._path) as draft:
                save_file(copy, draft, self._facts(name) | {"seconds": str(seconds)})
        except (SafetensorError, OSError) as error:
            self._warn(f"{self._path} cannot be written ({error}): {name} continues without a checkpoint")
        self._saved_at = time.monotonic()

    def _facts(self, name: str) -> dict[str, str]:
        return {"key": self._key, "fit": name}

    @staticmethod
    def _warn(text: str) -> None:
        tell("run/checkpoint", Note(text, "warning"))
