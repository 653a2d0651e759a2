"""Several photos whose cameras, depth and features are those of Depth Anything 3: its package, with a tiny network."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.app import run
from vistadream.core import View
from vistadream.formats.json_file import read_json
from vistadream.formats.scene import load_scene
from vistadream.ops.evaluation.poses import trajectory_error
from vistadream.ops.image.pixels import from_uint8, to_uint8

QUICK = (
    "rerun.mode=off",
    "stage=no-outpaint",
    "stages.initialize.steps=2",
    "stages.initialize.rounds=0",
    "max_views=6",
)


@pytest.fixture
def lens(textured_boxes):
    return textured_boxes(196, 140, 184.0)


def test_a_run_needs_no_other_backend_for_poses_and_depth(lens, tiny_depth_anything, tmp_path: Path) -> None:
    truth = [lens.camera_on_arc(angle) for angle in (-12, -7, -2, 3, 8, 13)]
    pictures = [to_uint8(lens.photograph(camera)) for camera in truth]
    (tmp_path / "photos").mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{i}.png")
    everywhere = torch.ones(140, 196, dtype=torch.bool)
    views = [
        View(f"{i}", camera, from_uint8(picture), None, everywhere, everywhere, ~everywhere)
        for i, (camera, picture) in enumerate(zip(truth, pictures, strict=True))
    ]
    folder = tiny_depth_anything.write(tiny_depth_anything.knowing(views, truth).state_dict(), tmp_path)
    words = [f"input={tmp_path / 'photos'}", f"out={tmp_path / 'out'}", *QUICK, "export=[feat_vis,npz]"]
    for role in ("poses", "multi_depth"):
        knobs = f"backends.{role}.network"
        words += [f"backends/{role}=depth_anything", f"{knobs}.path={folder}", f"{knobs}.resolution_px=70"]
    done = run([*words, "max_resolution=196", "source.multiple=4"], job="multi_img")
    registered = load_scene(done.folder / "02_register")
    assert trajectory_error([photo.camera for photo in registered.photos], truth) < 0.02
    assert len(done.scene.gaussians) > 1000
    assert all(bool((photo.depth > 0).any()) for photo in done.scene.photos)
    facts = read_json(done.folder / "run.json")
    assert {facts["backends"][role]["name"] for role in ("poses", "multi_depth")} == {"depth_anything"}
    assert len(list((done.folder / "export" / "feat_vis").glob("*.jpg"))) == 6
    assert np.load(done.folder / "export" / "npz" / "results.npz")["depth"].shape == (6, 140, 196)
