"""A small scene that observers can look at, and recordings read back."""

import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rerun_cli
import torch
from rerun.chunk import RrdReader

from vistadream.core import Camera, Gaussians, View


@pytest.fixture
def view() -> View:
    """24x16 pixels from a camera off the origin and turned; z from 1 to 2, a generated border on the left."""
    h, w = 16, 24
    pose = torch.tensor([[0.8, 0.0, 0.6, 0.1], [0.0, 1.0, 0.0, -0.2], [-0.6, 0.0, 0.8, 0.3], [0.0, 0.0, 0.0, 1.0]])
    camera = Camera.from_focal(20.0, w, h, (11.0, 9.0)).at(pose)
    generated = torch.zeros(h, w, dtype=torch.bool)
    generated[:, :4] = True
    z = torch.linspace(1, 2, h * w).reshape(h, w)
    return View("input", camera, torch.rand(h, w, 3), z, ~generated, ~generated, generated)


@pytest.fixture
def gaussians() -> Gaussians:
    """50 Gaussians, each different in every field."""
    n = 50
    return Gaussians(torch.randn(n, 3), torch.randn(n, 4), torch.rand(n, 3) + 0.1, torch.rand(n), torch.rand(n, 3))


class Recording(dict[str, dict[str, list]]):
    """Entity path -> column (such as `Scalars:scalars`, `step`) -> values, one for each time it was logged."""

    PROGRAM = Path(rerun_cli.__file__).parent / "rerun"
    """The viewer's own program: the script `rerun` would leave it behind when killed."""

    def __init__(self, file: Path):
        super().__init__()
        self._file = file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a killed run's file has no footer, and says so
            for chunk in RrdReader(file).stream():
                batch = chunk.to_record_batch()
                entity = self.setdefault(str(chunk.entity_path), {})
                for name in set(batch.schema.names) - {"log_time"}:
                    entity.setdefault(name, []).extend(batch.column(name).to_pylist())

    def values(self, entity: str, column: str) -> np.ndarray:
        return np.array(self[entity][column])

    def rows(self) -> dict[str, int]:
        """How often each entity was logged."""
        return {path: max(len(values) for values in entity.values()) for path, entity in self.items() if entity}

    def complete(self) -> bool:
        """Whether the recording was ended: the file has its footer."""
        return subprocess.run([self.PROGRAM, "rrd", "verify", self._file], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def read() -> Callable[[Path], Recording]:
    """Reads a recording's file."""
    return Recording
