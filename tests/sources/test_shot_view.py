"""A shot becomes a View whose camera, mask and depth belong to the pixels of the working picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import Camera, UserError, View
from vistadream.formats.picture import PictureFacts
from vistadream.ops.image.distortion import Distortion
from vistadream.ops.image.pixels import fit_resolution
from vistadream.sources.lens import Lens
from vistadream.sources.shot import DepthFile, Shot
from vistadream.sources.shot_view import ShotViews
from vistadream.sources.working_size import fitted

K = torch.tensor([[150.0, 0.0, 83.0], [0.0, 140.0, 57.0], [0.0, 0.0, 1.0]])
POSE = torch.tensor([[0.0, -1, 0, 0.3], [1, 0, 0, -0.2], [0, 0, 1, 0.5], [0, 0, 0, 1]])
CAMERA = Camera(K, POSE, 163, 121)
POINTS = torch.tensor([[0.1, 0.2, 3.0], [-0.6, 0.3, 4.0], [0.4, -0.7, 2.5]])


def view_of(shot: Shot, max_resolution: int = 64) -> View:
    make = ShotViews(max_resolution, 8, Lens(None, None, 60.0))
    return make("a", shot, *shot.read())[0]


@pytest.fixture
def shot(photo) -> Shot:
    return Shot("a.png", lambda: (photo(size=(163, 121)), PictureFacts(None)), CAMERA, pose_known=True)


def test_the_camera_follows_the_crop_and_the_scale() -> None:
    fit = fit_resolution(163, 121, 64, 8)
    working = fitted(CAMERA, fit)
    px, z = CAMERA.project(POINTS)
    moved, same_z = working.project(POINTS)
    assert torch.allclose(moved, (px - torch.tensor(fit.box[:2])) * fit.scale, atol=1e-4)
    assert torch.equal(z, same_z)
    assert (working.width, working.height) == (fit.width, fit.height)


def test_a_shot_keeps_its_pose_and_its_lens(shot: Shot) -> None:
    view = view_of(shot)
    assert (view.pose_known, view.focal_known, view.origin) == (True, True, "photo")
    assert torch.equal(view.camera.cam_from_world, POSE)
    assert view.camera.fx / view.camera.fy == pytest.approx(150 / 140)


def test_a_scaled_picture_scales_its_camera(shot: Shot, photo) -> None:
    half = replace(shot, read=lambda: (photo(size=(163, 121)).resize((326, 242)), PictureFacts(None)))
    assert torch.allclose(view_of(half).camera.K, view_of(shot).camera.K)
    other = replace(shot, read=lambda: (photo(size=(163, 140)), PictureFacts(None)))
    with pytest.raises(UserError, match=r"a\.png has 163x140 pixels, but its camera is for 163x121; wanted"):
        view_of(other)


def test_measured_depth_is_scaled_by_its_unit_and_unknown_where_it_is_no_depth(shot: Shot, tmp_path: Path) -> None:
    stored = np.full((121, 163), 2500.0, np.float32)
    stored[:40], stored[40:60], stored[60:80, :50] = 0, np.nan, np.inf
    np.save(tmp_path / "z.npy", stored)
    z = view_of(replace(shot, depth=DepthFile(tmp_path / "z.npy", 0.001))).depth
    assert bool(((z == 0) | ((z - 2.5).abs() < 1e-5)).all())
    assert bool((z[:20] == 0).all())
    assert bool((z[33:] > 0).all())


def test_depth_of_another_size_lies_on_the_same_pixels(shot: Shot, tmp_path: Path) -> None:
    full = np.full((120, 160), 2.0, np.float32)
    full[:, 80:] = 4.0
    for name, levels in (("full", full), ("half", full[::2, ::2])):
        np.save(tmp_path / f"{name}.npy", levels)
    shot = replace(shot, read=lambda: (Image.new("RGB", (160, 120)), PictureFacts(None)), camera=None)
    files = (DepthFile(tmp_path / f"{name}.npy", 1.0) for name in ("full", "half"))
    a, b = (view_of(replace(shot, depth=file)).depth for file in files)
    assert torch.equal(a, b)
    assert bool((a[:, :32] == 2).all() and (a[:, 32:] == 4).all())


def test_a_bent_picture_its_mask_and_its_depth_are_straightened_alike(shot: Shot, tmp_path: Path) -> None:
    columns = np.broadcast_to(np.arange(163) < 80, (121, 163))
    Image.fromarray((columns * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    np.save(tmp_path / "z.npy", np.where(columns, 2.0, 4.0).astype(np.float32))
    levels = np.repeat((columns * 255).astype(np.uint8)[..., None], 3, axis=2)
    bent = replace(
        shot,
        read=lambda: (Image.fromarray(levels), PictureFacts(None)),
        mask=tmp_path / "mask.png",
        depth=DepthFile(tmp_path / "z.npy", 1.0),
        distortion=Distortion("radial_tangential", (0.2, 0.0, 0.0, 0.0)),
    )
    view = view_of(bent, max_resolution=160)
    edge = (view.rgb[..., 0] > 0.05) & (view.rgb[..., 0] < 0.95)
    sharp = ~edge
    assert float(sharp.float().mean()) > 0.95
    assert torch.equal(view.supervise[sharp], view.rgb[..., 0][sharp] > 0.5)
    assert torch.equal(view.depth[sharp] < 3, view.supervise[sharp])
    assert not torch.equal(view.supervise, view_of(replace(bent, distortion=None), 160).supervise)
