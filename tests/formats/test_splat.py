"""The `.splat` format, by its published layout."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from vistadream.core import Gaussians
from vistadream.formats.ply import SH_C0
from vistadream.formats.splat import write_splat

N = 200


def some_gaussians(n: int = N) -> Gaussians:
    g = torch.Generator().manual_seed(3)
    return Gaussians(
        torch.rand(n, 3, generator=g) * 4 - torch.tensor([2.0, 2.0, -1.0]),
        torch.nn.functional.normalize(torch.randn(n, 4, generator=g), dim=1),
        torch.rand(n, 3, generator=g) * 0.1 + 0.02,
        torch.rand(n, generator=g) * 0.9 + 0.05,
        torch.rand(n, 3, generator=g),
    )


def nearest(means: np.ndarray, wanted: Gaussians) -> np.ndarray:
    """For each wanted Gaussian the one in the file: most formats reorder."""
    order = np.linalg.norm(means[None] - wanted.means.numpy()[:, None], axis=2).argmin(1)
    assert len(set(order)) == len(wanted)
    return order


def splat_rows(path: Path) -> np.ndarray:
    """By the published layout alone: 3 + 3 floats, 4 + 4 bytes."""
    return np.array(list(struct.iter_unpack("<6f8B", path.read_bytes())))


def test_splat_bytes_are_those_of_the_layout(tmp_path: Path) -> None:
    wanted = some_gaussians()
    rows = splat_rows(write_splat(wanted, tmp_path / "a.splat"))
    volumes = rows[:, 3:6].prod(1) * rows[:, 9] / 255
    assert (volumes[1:] <= volumes[:-1] * 1.1).all(), "the most visible first"
    rows = rows[nearest(rows[:, :3], wanted)]
    np.testing.assert_array_equal(rows[:, :6].astype(np.float32), torch.cat([wanted.means, wanted.scales], 1).numpy())
    np.testing.assert_allclose(rows[:, 6:9] / 255, wanted.colors, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(rows[:, 9] / 255, wanted.opacities, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose((rows[:, 10:] - 128) / 128, wanted.quats_wxyz, atol=1 / 128)


def test_splat_keeps_the_constant_colour_of_harmonics_and_scales_quaternions(tmp_path: Path) -> None:
    colors = torch.zeros(1, 4, 3)
    colors[0, 0] = torch.tensor([0.5, 0.0, -0.5]) / SH_C0
    colors[0, 1:] = 7.0
    one = Gaussians(torch.zeros(1, 3), torch.tensor([[0.0, 3.0, 0, 0]]), torch.ones(1, 3), torch.ones(1), colors)
    (row,) = splat_rows(write_splat(one, tmp_path / "a.splat"))
    assert row[6:].tolist() == [255, 128, 0, 255, 128, 255, 128, 128]


def test_splat_of_nothing_is_an_empty_file(tmp_path: Path) -> None:
    assert write_splat(Gaussians.empty(), tmp_path / "a.splat").read_bytes() == b""


@pytest.mark.parametrize(("field", "value"), [("means", np.nan), ("colors", np.inf), ("quats_wxyz", 0.0)])
def test_splat_refuses_what_is_no_number(field: str, value: float, tmp_path: Path) -> None:
    tensors = dict(some_gaussians(3).tensors())
    tensors[field] = torch.full_like(tensors[field], value)
    with pytest.raises(ValueError, match=field):
        write_splat(Gaussians(**tensors), tmp_path / "a.splat")
    assert not (tmp_path / "a.splat").exists()
