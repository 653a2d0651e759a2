"""The sheet shows the holes of the upper row closed in the lower one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import Camera, Gaussians, Scene, UserError, View
from vistadream.ops.gaussians.lift import lift_view
from vistadream.runs.folder import RunFolder

TOOLS = Path(__file__).parents[2] / "tools"
H, W = 48, 64


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    import before_after

    return before_after


def wall(z: torch.Tensor, name: str = "input") -> View:
    mask = torch.ones(H, W, dtype=torch.bool)
    return View(name, Camera.from_fov(60, W, H), torch.full((H, W, 3), 0.8), z, mask, mask, ~mask)


def finished_run(root: Path) -> RunFolder:
    """A post before a wall, then the same with the wall closed behind the post and beyond the picture."""
    z = torch.full((H, W), 3.0)
    z[:, 26:38] = 1.0
    before = Scene((wall(z),), lift_view(wall(z), 0.5, 0.5))
    camera = before.views[0].camera.pad(32, 32, 24, 24)
    ones = torch.ones(camera.height, camera.width, dtype=torch.bool)
    behind = View("all", camera, torch.full((*ones.shape, 3), 0.8), ones * 3.0, ones, ones, ones)
    after = Scene(before.views, Gaussians.concat(before.gaussians, lift_view(behind, 0.5, 0.5)))
    folder = RunFolder(root, ("initialize", "coarse"))
    for name, scene in (("initialize", before), ("coarse", after)):
        folder.save_stage(name, scene, {"seconds": 0.0}, lambda _: None)
    return folder


def test_holes_are_black_above_and_closed_below(tool, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    tool.draw(tool.Arguments(finished_run(tmp_path / "run").root, out, columns=3, tile_px=64))
    sheet = np.asarray(Image.open(out)).mean(axis=-1)
    assert sheet.shape == (2 * 48, 3 * 64)
    black = [(row < 60).mean() for row in (sheet[:48], sheet[48:])]
    assert black[0] > 0.03
    assert black[1] < 0.001


def test_a_run_without_the_stages_is_told_so(tool, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="coarse"):
        tool.draw(tool.Arguments(tmp_path, tmp_path / "sheet.png"))
