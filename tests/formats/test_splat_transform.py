"""Formats that splat-transform writes: each holds the scene within its own rounding, as a reader that did not write it
sees it."""

import gzip
import io
import json
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import plyfile
import pytest
import torch
from PIL import Image

from vistadream.core import Gaussians, UserError
from vistadream.formats.ply import read_ply
from vistadream.formats.splat import write_splat
from vistadream.formats.splat_transform import INSTALL, PACKAGE, find_splat_transform, write_converted, write_spz

N = 200
WRITERS = {"splat": write_splat, "spz": write_spz}


@pytest.fixture(scope="module")
def tool() -> list[str]:
    try:
        return find_splat_transform()
    except UserError as error:
        pytest.skip(str(error))


def some_gaussians(n: int = N) -> Gaussians:
    g = torch.Generator().manual_seed(3)
    return Gaussians(
        torch.rand(n, 3, generator=g) * 4 - torch.tensor([2.0, 2.0, -1.0]),
        torch.nn.functional.normalize(torch.randn(n, 4, generator=g), dim=1),
        torch.rand(n, 3, generator=g) * 0.1 + 0.02,
        torch.rand(n, generator=g) * 0.9 + 0.05,
        torch.rand(n, 3, generator=g),
    )


def write(form: str, path: Path, gaussians: Gaussians) -> Path:
    return WRITERS.get(form, write_converted)(gaussians, path)


def nearest(means: np.ndarray, wanted: Gaussians) -> np.ndarray:
    """For each wanted Gaussian the one in the file: most formats reorder."""
    order = np.linalg.norm(means[None] - wanted.means.numpy()[:, None], axis=2).argmin(1)
    assert len(set(order)) == len(wanted)
    return order


SUFFIXES = {"splat": "splat", "compressed_ply": "compressed.ply", "spz": "spz", "sog": "sog"}
TOLERANCES = {  # of centre, log scale, opacity, colour and 1 - |cos| of half the angle of the rotation
    "splat": (1e-6, 1e-5, 0.003, 0.003, 1e-3),
    "compressed_ply": (0.003, 0.003, 0.003, 0.003, 1e-5),
    "spz": (2e-4, 0.04, 0.003, 0.005, 1e-5),
    "sog": (2e-4, 0.01, 0.004, 0.003, 1e-3),
}


@pytest.mark.parametrize("form", TOLERANCES)
def test_splat_transform_reads_the_scene_back(form: str, tool: list[str], tmp_path: Path) -> None:
    wanted = some_gaussians()
    path = write(form, tmp_path / f"scene.{SUFFIXES[form]}", wanted)
    back = tmp_path / "back.ply"
    subprocess.run([*tool, "--quiet", "--gpu", "cpu", path, back], check=True)
    got = read_ply(back)
    got = got.subset(torch.from_numpy(nearest(got.means.numpy(), wanted)))
    angles = (torch.nn.functional.normalize(got.quats_wxyz, dim=1) * wanted.quats_wxyz).sum(1).abs()
    errors = (
        (got.means - wanted.means).abs().max(),
        (got.scales.log() - wanted.scales.log()).abs().max(),
        (got.opacities - wanted.opacities).abs().max(),
        (got.colors - wanted.colors).abs().max(),
        (1 - angles).max(),
    )
    assert [float(e) <= most for e, most in zip(errors, TOLERANCES[form], strict=True)] == [True] * 5, errors


def test_spz_is_version_3_with_y_up(tool: list[str], tmp_path: Path) -> None:
    """Decoded by the format's description: gzip, 16 bytes of header, then 24-bit fixed-point centres."""
    told = subprocess.run([*tool, "--version"], capture_output=True, text=True, check=True)
    if " v2." not in told.stdout + told.stderr:
        pytest.skip("splat-transform 3.7.0 leaves the axes of SPZ as they are")
    wanted = some_gaussians()
    data = gzip.decompress(write("spz", tmp_path / "a.spz", wanted).read_bytes())
    magic, version, count, degree, fraction, _, _ = struct.unpack("<4sIIBBBB", data[:16])
    assert (magic, version, count, degree) == (b"NGSP", 3, N, 0)
    low, middle, high = np.frombuffer(data, np.uint8, N * 9, 16).reshape(N, 3, 3).astype(np.int32).transpose(2, 0, 1)
    fixed = low + (middle << 8) + (high << 16)
    means = np.where(fixed >= 1 << 23, fixed - (1 << 24), fixed) / (1 << fraction) * [1, -1, -1]
    alphas = np.frombuffer(data, np.uint8, N, 16 + 9 * N)
    order = nearest(means, wanted)
    np.testing.assert_allclose(means[order], wanted.means, atol=1 / (1 << fraction))
    np.testing.assert_allclose(alphas[order] / 255, wanted.opacities, atol=1 / 255)


def test_compressed_ply_holds_chunks_of_packed_words(tool: list[str], tmp_path: Path) -> None:
    """Decoded with plyfile: centres in 11, 10 and 11 bits of their chunk's box, opacity in the last byte."""
    wanted = some_gaussians()
    ply = plyfile.PlyData.read(str(write("compressed_ply", tmp_path / "a.compressed.ply", wanted)))
    chunk, rows = ply["chunk"].data[0], ply["vertex"].data
    words = rows["packed_position"]
    shares = np.stack([(words >> 21) / 2047, (words >> 11 & 1023) / 1023, (words & 2047) / 2047], 1)
    low, high = (np.array([chunk[f"{end}_{axis}"] for axis in "xyz"]) for end in ("min", "max"))
    means = low + shares * (high - low)
    order = nearest(means, wanted)
    np.testing.assert_allclose(means[order], wanted.means, atol=0.003)
    np.testing.assert_allclose((rows["packed_color"] & 255)[order] / 255, wanted.opacities, atol=1 / 255)


def test_sog_is_a_zip_of_pictures(tool: list[str], tmp_path: Path) -> None:
    """Decoded with Pillow: 16-bit centres in two pictures, on a scale that is logarithmic away from zero."""
    wanted = some_gaussians()
    with zipfile.ZipFile(write("sog", tmp_path / "a.sog", wanted)) as archive:
        meta = json.loads(archive.read("meta.json"))
        low, high = (
            np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"), float).reshape(-1, 3)[:N]
            for name in meta["means"]["files"]
        )
    mins, maxs = (np.array(meta["means"][end]) for end in ("mins", "maxs"))
    logs = mins + (low + 256 * high) / 65535 * (maxs - mins)
    means = np.sign(logs) * np.expm1(np.abs(logs))
    np.testing.assert_allclose(means[nearest(means, wanted)], wanted.means, atol=2e-4)


def test_glb_follows_the_khronos_extension_with_y_up(tool: list[str], tmp_path: Path) -> None:
    wanted = some_gaussians()
    data = write("glb", tmp_path / "a.glb", wanted).read_bytes()
    magic, version, length, json_length = struct.unpack("<4sIII", data[:16])
    assert (magic, version, length) == (b"glTF", 2, len(data))
    gltf = json.loads(data[20 : 20 + json_length])
    assert "KHR_gaussian_splatting" in gltf["extensionsUsed"]
    attributes = gltf["meshes"][0]["primitives"][0]["attributes"]

    def values(name: str, width: int) -> np.ndarray:
        view = gltf["bufferViews"][gltf["accessors"][attributes[name]]["bufferView"]]
        start = 28 + json_length + view["byteOffset"]
        return np.frombuffer(data[start : start + view["byteLength"]], "<f4").reshape(-1, width)

    means = values("POSITION", 3) * [-1, -1, 1]
    order = nearest(means, wanted)
    np.testing.assert_allclose(means[order], wanted.means, atol=1e-5)
    np.testing.assert_allclose(values("KHR_gaussian_splatting:SCALE", 3)[order], wanted.scales, rtol=1e-4)
    np.testing.assert_allclose(values("KHR_gaussian_splatting:OPACITY", 1)[order, 0], wanted.opacities, atol=1e-5)


@pytest.mark.parametrize("programs", [(), ("npm",), ("npm", "npx")])
def test_a_missing_program_is_named_with_the_command_that_installs_it(
    programs: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="splat-transform is not installed") as caught:
        find_splat_transform("export.formats=spz")
    assert str(caught.value).startswith("export.formats=spz: ")
    assert str(caught.value).endswith(INSTALL)
    assert ("install Node.js" in str(caught.value)) == (not programs)


def test_the_program_is_found_through_npx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "npx").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "npx").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_splat_transform() == [str(tmp_path / "npx"), "--no-install", "--", PACKAGE]


def test_a_program_that_fails_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "splat-transform").write_text("#!/bin/sh\necho 'no such   luck' >&2\nexit 3\n")
    (tmp_path / "splat-transform").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"could not write \.sog: no such luck"):
        write_converted(some_gaussians(3), tmp_path / "a.sog")
    assert shutil.which("splat-transform")
