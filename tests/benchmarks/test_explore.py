"""Each measure is good for the truth, and bad for the one fault that it is about."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from explore import Row, reach, turned_or_moved
from explore_measures import Shown, bent_lines, measures
from explore_worlds import SKY_M, Look, read_worlds

from vistadream.core import Camera

CAMERA = Camera.from_fov(60, 96, 64)
NOWHERE = torch.zeros(64, 96, dtype=torch.bool)


def picture(shift_px=0.0) -> torch.Tensor:
    """Boxes with straight edges; each row is moved sideways by its shift."""
    gray = np.full((64, 96), 0.2, np.float32)
    gray[8:56, 20:44], gray[8:56, 60:80] = 0.8, 0.6
    x, y = np.meshgrid(np.arange(96, dtype=np.float32), np.arange(64, dtype=np.float32))
    moved = cv2.remap(gray, x + np.broadcast_to(shift_px, x.shape).astype(np.float32), y, cv2.INTER_LINEAR)
    return torch.from_numpy(moved)[..., None].expand(-1, -1, 3).contiguous()


@pytest.fixture
def look() -> Look:
    return Look("left", 0.1, CAMERA, picture(), torch.full((64, 96), 3.0), ~NOWHERE, NOWHERE)


@pytest.fixture
def truth(look: Look) -> Shown:
    return Shown(look.rgb, look.z, NOWHERE, NOWHERE)


def test_the_truth_has_no_fault(look, truth):
    found = measures(truth, look)
    assert found["seen psnr"] == math.inf
    assert found["seen ssim"] == pytest.approx(1, abs=1e-5)
    assert found["seen gms"] == pytest.approx(1, abs=1e-5)
    assert math.isnan(found["unseen psnr"])
    assert [found[name] for name in ("holes", "stretched", "painted on", "lines lost")] == [0, 0, 0, 0]
    assert found["bend px"] < 0.2


def test_each_fault_is_counted_where_it_is(look, truth):
    corner = NOWHERE.clone()
    corner[:16, :24] = True
    share = 1 / 16
    assert measures(replace(truth, hole=corner), look)["holes"] == pytest.approx(share)
    assert measures(replace(truth, stretched=corner), look)["stretched"] == pytest.approx(share)
    assert measures(replace(truth, z=torch.where(corner, 4.0, 3.0)), look)["painted on"] == pytest.approx(share)
    sky = replace(look, z=torch.where(corner, SKY_M, 3.0))
    assert measures(truth, sky)["painted on"] == 0


def test_a_bend_is_measured_and_a_shift_is_none():
    wave = 2 * np.sin(np.arange(64) / 64 * 4 * np.pi)[:, None]
    bend, lost = bent_lines(picture(wave), picture())
    assert bend == pytest.approx(2 / math.sqrt(2), rel=0.25)
    assert lost < 0.5
    assert bent_lines(picture(1.0), picture())[0] < 0.2
    assert bent_lines(torch.full((64, 96, 3), 0.5), picture())[1] == 1


def rows(*holes: float) -> list[Row]:
    """One direction, with these holes at growing distances."""
    figures = {"stretched": 0.0, "seen ssim": 0.9}
    return [Row("w", "c", "left", 0.1 * (i + 1), figures | {"holes": share}) for i, share in enumerate(holes)]


def test_reach_ends_at_the_first_fault():
    assert reach(rows(0, 0, 0.02, 0)) == pytest.approx(0.2)
    assert reach(rows(0.02)) == 0
    assert reach(rows(0, 0)) == pytest.approx(0.2)
    blurred = rows(0, 0)
    blurred[1].figures["seen ssim"] = 0.7
    assert reach(blurred) == pytest.approx(0.1)
    assert reach([*rows(0, 0), Row("w", "c", "turn", 15.0, {"holes": 1.0})]) == pytest.approx(0.2)


def test_rows_of_both_turns_of_an_angle_go_together():
    both = [Row("w", "c", "turn", angle, {}) for angle in (-15.0, 15.0)]
    assert {row.amount for row in turned_or_moved([*both, *rows(0)], turned=True)} == {15.0}


def test_a_look_knows_what_the_photo_shows(tmp_path):
    """A wall three meters away, and a step of half a meter to the right: its left part was in the photo."""
    pose = torch.eye(4)
    pose[0, 3] = -0.5
    folder = tmp_path / "wall"
    folder.mkdir()
    (folder / "world.json").write_text(f'{{"focal_px": {CAMERA.fx}, "focus_z_m": 3.0}}')
    np.save(folder / "photo_depth.npy", np.full((64, 96), 3.0, np.float32))
    views = {
        "direction": np.array(["right"]),
        "amount": np.array([0.1]),
        "cam_from_photo": pose[None].numpy(),
        "rgb": np.zeros((1, 64, 96, 3), np.uint8),
        "z_m": np.full((1, 64, 96), 3.0, np.float32),
    }
    np.savez(folder / "views.npz", **views)
    (world,) = read_worlds(tmp_path)
    shift_px = round(CAMERA.fx * 0.5 / 3)
    seen = torch.zeros(64, 96, dtype=torch.bool)
    seen[:, : 96 - shift_px] = True
    assert (world.looks[0].seen != seen).float().mean() < 0.02
    assert torch.equal(world.looks[0].unseen, ~world.looks[0].seen)
