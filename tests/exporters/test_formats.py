"""Formats for viewers: each holds the scene within its own rounding, told by a reader that did not write it."""

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

from vistadream.backends.render.cpu import CpuRenderer
from vistadream.core import Camera, Gaussians, UserError
from vistadream.exporters.formats import CONVERTED, FORMATS, OWN, write_format
from vistadream.formats.ply import SH_C0, read_ply
from vistadream.formats.splat import write_splat
from vistadream.formats.splat_transform import INSTALL, PACKAGE, find_splat_transform, write_converted
from vistadream.ops.camera_path.pose import look_at
from vistadream.ops.evaluation.metrics import psnr

N = 200


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
    return write_format(form, gaussians, path, [Camera.from_fov(60, 64, 48)] * 2, 3.0)


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


def room() -> tuple[Gaussians, Camera]:
    """A floor, and on it a red ball to the left and a green one, higher, to the right; seen from above the floor."""
    camera = Camera.from_fov(60, 64, 48)
    u, v = torch.meshgrid(torch.linspace(-3, 3, 61), torch.linspace(2, 8, 61), indexing="ij")
    floor = torch.stack([u, torch.full_like(u, 1.0), v], -1).reshape(-1, 3)
    means = torch.cat([floor, torch.tensor([[-1.0, 0.3, 4.0], [1.0, -0.7, 4.0]])])
    scales = torch.full((len(means), 3), 0.08)
    scales[-2:] = 0.25
    colors = torch.full((len(means), 3), 0.6)
    colors[-2:] = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1]])
    quats = torch.eye(4)[:1].expand(len(means), 4)
    return Gaussians(means, quats, scales, torch.full((len(means),), 0.98), colors), camera


def test_viewer_page_shows_the_scene_from_the_photo_without_a_network(tool: list[str], tmp_path: Path, browser) -> None:
    """The page's picture at its first moment, and half way through its flight, beside our own renderer's."""
    gaussians, camera = room()
    away = camera.at(look_at(torch.tensor([1.0, -0.5, 0.5]), torch.tensor([0.0, 0.0, 4.0]), torch.tensor([0, 1.0, 0])))
    flight = [camera, away]
    page = write_format("html", gaussians, tmp_path / "viewer.html", flight, 4.0)
    browser.open(page, 640, 480, query="?noui")
    browser.wait_for("typeof scrubTo === 'function'")
    for moment, seen_from in ((0, camera), (10, away)):
        browser.ask(f"scrubTo({moment}).then(() => 1)")
        shown = Image.fromarray(browser.picture()).resize((64, 48), Image.Resampling.BOX)
        ours = CpuRenderer()(gaussians, [seen_from], want=("rgb",))[0].rgb
        assert psnr(torch.from_numpy(np.array(shown)).float() / 255, ours) > 22, moment
    assert browser.complaints == []
    assert browser.requests == [page.as_uri() + "?noui"]


def test_all_formats_are_told_apart() -> None:
    assert set(OWN) | set(CONVERTED) == set(FORMATS)
    assert not set(OWN) & set(CONVERTED)


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
