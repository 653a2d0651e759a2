"""A dataset comes back as it was, is never written over another, and appears whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import Gaussians, UserError, View
from vistadream.formats.camera_file import read_cameras
from vistadream.formats.fastgs_dataset import dataset_files, read_dataset, sample_of, validate_dataset, write_dataset


def test_views_and_priors_come_back_bit_for_bit(views: list[View], dataset: Path) -> None:
    for sample, view in zip(read_dataset(dataset), views, strict=True):
        wanted = sample_of(view)
        back = sample.view
        assert back.name == view.name
        assert (back.camera.width, back.camera.height) == (view.camera.width, view.camera.height)
        for name in ("rgb", "z", "supervise", "generated"):
            assert torch.equal(getattr(back, name), getattr(view, name)), name
        assert torch.equal(back.camera.K, view.camera.K)
        assert torch.equal(back.camera.cam_from_world, view.camera.cam_from_world)
        assert torch.equal(sample.normals, wanted.normals)
        assert torch.equal(sample.geometry, wanted.geometry)
        assert torch.equal(back.lift, wanted.geometry)


def test_the_same_views_give_the_same_bytes(views: list[View], gaussians: Gaussians, dataset: Path) -> None:
    again = dataset.with_name("again")
    write_dataset(views, gaussians, again, "single")
    for file in [*dataset_files(len(views)), "meta.json"]:
        assert (again / file).read_bytes() == (dataset / file).read_bytes(), file


def test_the_files_are_those_of_the_format(dataset: Path) -> None:
    found = {path.relative_to(dataset).as_posix() for path in dataset.rglob("*") if path.is_file()}
    assert found == {*dataset_files(3), "meta.json"}
    assert "priors/depth/000002.npy" in found
    assert np.load(dataset / "priors/depth/000002.npy").dtype == np.float32
    assert np.load(dataset / "priors/normal/000002.npy").shape == (24, 32, 3)
    assert set(np.unique(np.array(Image.open(dataset / "masks/000002.png")))) == {0, 255}


def test_meta_says_which_view_is_which(dataset: Path) -> None:
    meta = json.loads((dataset / "meta.json").read_text())
    assert [(view["name"], view["origin"]) for view in meta["views"]] == [
        ("input", "photographed"),
        ("outpaint", "mixed"),
        ("a", "generated"),
    ]
    assert meta["source"] == "single"


def test_geometry_is_trusted_where_it_is_known_supervised_and_off_every_occlusion(views: list[View]) -> None:
    sample = sample_of(views[0])
    assert not sample.geometry[:2, :6].any(), "no depth there"
    assert not sample.geometry[:, -3:].any(), "not supervised"
    assert not sample.geometry[8, 9:19].any(), "the box's upper edge"
    assert sample.geometry[18:, :28].all()
    assert bool((sample.normals[sample.geometry][:, 2] < 0).all()), "they face the camera"


def test_an_off_centre_principal_point_is_cropped_into_the_middle(views: list[View], gaussians: Gaussians) -> None:
    whole = views[0]
    beside = whole.camera.crop(5, 3, 27, 21)
    cut = {name: getattr(whole, name)[3:, 5:] for name in ("rgb", "z", "supervise", "lift", "generated")}
    sample = sample_of(replace(whole, camera=beside, **cut))
    camera = sample.view.camera
    assert (camera.width, camera.height) == (22, 18)
    assert (camera.cx, camera.cy) == (11, 9)
    assert torch.equal(sample.view.rgb, whole.rgb[3:21, 5:27]), "a pixel keeps its ray"
    outside = replace(whole, camera=whole.camera.crop(40, 0, 32, 24))
    with pytest.raises(ValueError, match="wanted it in the picture"):
        sample_of(outside)


def test_colmap_poses_are_the_views_own(views: list[View], dataset: Path) -> None:
    """`trajectory=custom` reads them too."""
    for entry, view in zip(read_cameras(dataset / "sparse" / "0"), views, strict=True):
        torch.testing.assert_close(entry.cam_from_world, view.camera.cam_from_world, atol=1e-6, rtol=0)
        assert torch.equal(entry.lens.K, view.camera.K)


def test_a_view_that_shows_too_little_is_left_out_by_name(views, gaussians, tmp_path: Path) -> None:
    tiny = replace(views[2], supervise=torch.zeros_like(views[2].supervise))
    (line,) = write_dataset([views[0], tiny, views[1]], gaussians, tmp_path / "d", "multi")
    assert "'a'" in line
    assert [sample.view.name for sample in read_dataset(tmp_path / "d")] == ["input", "outpaint"]
    assert json.loads((tmp_path / "d" / "meta.json").read_text())["left_out"] == [line]
    with pytest.raises(ValueError, match="nothing to write"):
        write_dataset([tiny], gaussians, tmp_path / "e", "multi")


def test_nothing_is_overwritten(views: list[View], gaussians: Gaussians, dataset: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="there already"):
        write_dataset(views[:1], gaussians, dataset, "single")
    assert {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()} == before
    (tmp_path / "empty").mkdir()
    write_dataset(views, gaussians, tmp_path / "empty", "single")
    assert validate_dataset(tmp_path / "empty") == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda view: {"z": None}, "has no depth"),
        (lambda view: {"camera": view.camera.at(torch.diag(torch.tensor([2.0, 1, 1, 1])))}, "not hold a rotation"),
        (lambda view: {"camera": view.camera.at(torch.eye(4) * torch.nan)}, "wanted finite numbers"),
    ],
)
def test_what_cannot_be_written_well_leaves_nothing(views, gaussians, tmp_path: Path, spoil, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        write_dataset([views[0], replace(views[1], **spoil(views[1]))], gaussians, tmp_path / "d", "single")
    assert list(tmp_path.iterdir()) == []


def test_a_faulty_dataset_is_not_read_and_every_fault_is_told(dataset: Path) -> None:
    (dataset / "masks" / "000001.png").unlink()
    (dataset / "sparse" / "0" / "cameras.txt").write_text("1 PINHOLE 32\n")
    with pytest.raises(UserError) as caught:
        read_dataset(dataset)
    assert "masks/000001.png: is missing" in str(caught.value)
    assert "sparse/0/cameras.txt: line 1" in str(caught.value)
