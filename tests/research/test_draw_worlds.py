"""Generated worlds as many cameras see them: one geometry, one light, and steps of the lengths that are said."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from vistadream.core import Camera
from vistadream.formats.depth_map import read_depth_map

RESEARCH = Path(__file__).parents[2] / "research"
NAME = "kitchen_2"


@pytest.fixture(autouse=True, scope="module")
def research_on_the_path() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RESEARCH))
        yield


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory):
    """Of one world in small pictures, which is drawn."""
    from draw_worlds import Options, main

    options = Options(tmp_path_factory.mktemp("worlds") / "worlds", (NAME,), width=32, height=24)
    main(options)
    return options


@pytest.fixture(scope="module")
def views(options):
    with np.load(options.out / NAME / "views.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def photo(options) -> tuple[Camera, torch.Tensor, torch.Tensor]:
    """The camera, the colors and the depth of the photo."""
    from PIL import Image

    facts = json.loads((options.out / NAME / "world.json").read_text())
    rgb = torch.from_numpy(np.asarray(Image.open(options.out / NAME / "photo.png")).copy())
    return Camera.from_focal(facts["focal_px"], 32, 24), rgb, read_depth_map(options.out / NAME / "photo_depth.npy")


def test_what_the_photo_shows_is_at_its_place_in_the_other_views(views, photo) -> None:
    camera, rgb, z = photo
    points, agreeing, colors = camera.unproject(z.clamp(max=1e3)), [], []
    for pose, other_rgb, other_z in zip(views["cam_from_photo"], views["rgb"], views["z_m"], strict=True):
        pixels, depth = camera.at(torch.from_numpy(pose)).project(points)
        column, row = pixels.floor().long().unbind(-1)
        inside = (depth > 0) & (column >= 0) & (column < 32) & (row >= 0) & (row < 24)
        there = torch.from_numpy(other_z)[row[inside], column[inside]]
        same = (there / depth[inside] - 1).abs() < 0.03
        agreeing.append(float(same.float().mean()))
        there_rgb = torch.from_numpy(other_rgb)[row[inside], column[inside]][same].float()
        colors.append(float((there_rgb - rgb[inside][same].float()).abs().median()))
    assert np.median(agreeing) > 0.6
    assert np.median(colors) < 12, "out of 255: the same light falls on a surface in all views"


def test_steps_have_the_lengths_that_are_said(options, views) -> None:
    from explored_worlds.steps import DIRECTIONS, DISTANCES

    focus_z = json.loads((options.out / NAME / "world.json").read_text())["focus_z_m"]
    moved = views["direction"] != "turn"
    centers = np.linalg.inv(views["cam_from_photo"])[:, :3, 3]
    assert np.allclose(np.linalg.norm(centers[moved], axis=-1), views["amount"][moved] * focus_z, atol=1e-3)
    assert np.allclose(centers[~moved], 0, atol=1e-6)
    for name, amount, center in zip(views["direction"][moved], views["amount"][moved], centers[moved], strict=True):
        assert np.allclose(center / (amount * focus_z), DIRECTIONS[name], atol=1e-3)
    assert set(views["amount"][moved].tolist()) <= set(DISTANCES)


def test_who_turns_right_sees_what_was_on_the_right(views, photo) -> None:
    camera = photo[0]
    pose = views["cam_from_photo"][(views["direction"] == "turn") & (views["amount"] == 30)][0]
    right = torch.tensor([np.sin(np.radians(30)), 0.0, np.cos(np.radians(30))]).float()
    pixel, _ = camera.at(torch.from_numpy(pose)).project(right)
    assert pixel.tolist() == pytest.approx([16, 12], abs=0.01)


def test_a_world_that_is_there_is_kept(options) -> None:
    from draw_worlds import main

    file = options.out / NAME / "views.npz"
    before = file.stat().st_mtime_ns
    main(options)
    assert file.stat().st_mtime_ns == before


def test_a_seed_alone_decides_a_world(photo) -> None:
    from explored_worlds.worlds import Explored

    with torch.no_grad():
        again = Explored.of("kitchen", 2, (24, 32)).photo
    assert ((again.rgb * 255).round().byte() == photo[1]).all()
    assert torch.equal(again.z, photo[2])


def test_worlds_that_are_kept_back_are_of_kinds_that_nothing_else_uses() -> None:
    from explored_worlds.worlds import KEPT_BACK, WORLDS

    assert not {kind for kind, _ in WORLDS} & {kind for kind, _ in KEPT_BACK}
    assert len(WORLDS) >= 10
    assert len({kind for kind, _ in KEPT_BACK}) == 3
