"""Three small views of one scene, as a run leaves them: a photo, its canvas, and a generated view from beside."""

from pathlib import Path

import pytest
import torch

from vistadream.core import Camera, Gaussians, View
from vistadream.formats.fastgs_dataset import write_dataset
from vistadream.ops.image.pixels import snap


def view_of(name: str, camera: Camera, generated: torch.Tensor) -> View:
    """A tilted floor with a box before it and a gap where no depth is known; colours on 8-bit levels."""
    rows, columns = torch.meshgrid(torch.arange(camera.height), torch.arange(camera.width), indexing="ij")
    z = 4 / (1 + 0.01 * rows)
    z[8:16, 10:18] = 1.5
    z[:2, :6] = 0
    rgb = snap(torch.rand(camera.height, camera.width, 3))
    return View(name, camera, rgb, z, columns < camera.width - 3, torch.ones_like(generated), generated)


@pytest.fixture
def views() -> list[View]:
    photo = Camera.from_fov(60, 32, 24)
    canvas = photo.pad(4, 4, 2, 2)
    turn = torch.linalg.matrix_exp(torch.tensor([[0, -0.2, 0.3], [0.2, 0, -0.1], [-0.3, 0.1, 0]]).double())
    pose = torch.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, torch.tensor([0.3, -0.1, 0.7])
    border = torch.ones(canvas.height, canvas.width, dtype=torch.bool)
    border[2:-2, 4:-4] = False
    none = torch.zeros(24, 32, dtype=torch.bool)
    return [view_of("input", photo, none), view_of("outpaint", canvas, border), view_of("a", photo.at(pose), ~none)]


@pytest.fixture
def gaussians() -> Gaussians:
    n = 50
    return Gaussians(
        torch.randn(n, 3) * 0.3 + torch.tensor([0, 0, 3.0]),
        torch.eye(4)[:1].expand(n, 4),
        torch.full((n, 3), 0.01),
        torch.full((n,), 0.9),
        snap(torch.rand(n, 3)),
    )


@pytest.fixture
def dataset(views: list[View], gaussians: Gaussians, tmp_path: Path) -> Path:
    assert write_dataset(views, gaussians, tmp_path / "dataset", "single") == []
    return tmp_path / "dataset"
