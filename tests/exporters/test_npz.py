"""Arrays of the photos, read by NumPy alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vistadream.core import Camera, Note, Scene, View
from vistadream.exporters.npz import MiniNpz, Npz, arrays_of


def test_the_arrays_alone_rebuild_the_cube(cube: Scene, context, check_cube, tmp_path: Path) -> None:
    Npz()(cube, tmp_path, context(cube))
    with np.load(tmp_path / "npz" / "results.npz", allow_pickle=False) as stored:
        arrays = dict(stored)
    kinds = {name: (values.shape, values.dtype.name) for name, values in arrays.items()}
    assert kinds == {
        "image": ((3, 48, 64, 3), "uint8"),
        "depth": ((3, 48, 64), "float32"),
        "conf": ((3, 48, 64), "float32"),
        "extrinsics": ((3, 3, 4), "float32"),
        "intrinsics": ((3, 3, 3), "float32"),
    }
    for i in range(3):
        v, u = np.nonzero(arrays["depth"][i])
        rays = np.linalg.inv(arrays["intrinsics"][i]) @ np.stack([u + 0.5, v + 0.5, np.ones_like(u)])
        R, t = arrays["extrinsics"][i, :, :3], arrays["extrinsics"][i, :, 3:]
        world = (R.T @ (rays * arrays["depth"][i, v, u] - t)).T
        check_cube(world, arrays["image"][i, v, u] / 255)


def test_the_small_file_has_no_pictures(cube: Scene, context, tmp_path: Path) -> None:
    MiniNpz()(cube, tmp_path, context(cube))
    with np.load(tmp_path / "mini_npz" / "results.npz", allow_pickle=False) as stored:
        assert sorted(stored) == ["conf", "depth", "extrinsics", "intrinsics"]
    assert not (tmp_path / "npz").exists()


def test_confidence_is_zero_without_depth_and_one_where_the_model_has_none(cube: Scene) -> None:
    first, second, third = cube.photos
    half = replace(second, confidence=torch.full((48, 64), 0.5), z=second.z.clone())
    half.z[0, :2] = torch.tensor([torch.nan, torch.inf])
    arrays = arrays_of([first, half, replace(third, z=None)])
    assert np.array_equal(arrays["conf"][0], first.z.numpy() > 0)
    assert np.array_equal(arrays["conf"][1], 0.5 * (second.z.numpy() > 0))
    assert np.array_equal(arrays["depth"][1], second.z.numpy()), "what is not finite is unknown"
    assert not arrays["conf"][2].any()
    assert not arrays["depth"][2].any()


def test_photos_of_several_sizes_are_padded_where_it_keeps_their_cameras(cube: Scene, context, tmp_path: Path) -> None:
    notes = []

    def observe(name, value, step=None) -> None:
        assert (name, type(value)) == ("export/npz", Note)
        notes.append(value.text)

    wide, ones = Camera.from_fov(60, 80, 20), torch.ones(20, 80, dtype=torch.bool)
    other = View("wide", wide, torch.ones(20, 80, 3), 2.0 * ones, ones, ones, ~ones)
    scene = cube.with_views(other)
    Npz()(scene, tmp_path, context(scene, observe=observe))
    with np.load(tmp_path / "npz" / "results.npz") as stored:
        depth, image, intrinsics = stored["depth"], stored["image"], stored["intrinsics"]
        assert np.array_equal(stored["conf"] > 0, depth > 0)
    assert image.shape == (4, 48, 80, 3)
    assert np.array_equal(depth[0], np.pad(cube.anchor.z.numpy(), ((0, 0), (0, 16))))
    assert np.array_equal(depth[3], np.pad(np.full((20, 80), 2.0), ((0, 28), (0, 0))))
    assert intrinsics[3] == pytest.approx(wide.K.numpy())
    assert len(notes) == 1
    assert "padded at the right and below to 80x48" in notes[0]
