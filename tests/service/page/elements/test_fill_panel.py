"""Fill from here: where the scene had a hole, it has none afterwards, as the CPU renderer measures it."""

import json
import math

import pytest
import torch
from tests.service.conftest import Running
from tests.service.page.conftest import Tab

from vistadream.config import configured
from vistadream.core import Camera
from vistadream.formats.scene import load_scene
from vistadream.runs.paths import RunPaths

RENDERER = configured("backends/render=cpu")
VIEWER = "(document.querySelector('vd-scene-view').viewer)"
BEFORE, AFTER = 0.05, 0.01
"""Shares of the picture that are hole."""


def looks(focus_z: float) -> list[str]:
    """Cameras to the sides of the photo's place, as the address of the page has them: turned more and more."""
    angles = [sign * angle for angle in (0.5, 0.7, 0.9, 1.1, 1.3) for sign in (1, -1)]
    return [f"{0.2 * focus_z * math.sin(a):.4f},0,0,{math.sin(a):.4f},0,{math.cos(a):.4f}" for a in angles]


def hole(service: Running, job: str, cam_from_world: torch.Tensor) -> float:
    """The share of the picture at a pose where the scene that a job has by now lets light through."""
    scene = load_scene(RunPaths(service.data / "jobs" / job / "run").stage("coarse"))
    camera: Camera = scene.anchor.camera.at(cam_from_world)
    (drawn,) = RENDERER(scene.gaussians, [camera])
    return float((drawn.alpha < 0.5).float().mean())


def pose_of(text: str) -> torch.Tensor:
    """cam_from_world of an upright camera as the address has it."""
    place, ahead = torch.tensor([float(word) for word in text.split(",")]).reshape(2, 3)
    right = torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0]), ahead)
    pose = torch.eye(4)
    pose[:3] = torch.stack([right / right.norm(), torch.linalg.cross(ahead, right / right.norm()), ahead, place], dim=1)
    return torch.linalg.inv(pose)


def is_free(service: Running, job: str, cam_from_world: torch.Tensor) -> bool:
    cameras = [{"world_from_cam": pose.tolist()} for pose in (torch.eye(4), torch.linalg.inv(cam_from_world))]
    return service.client.post(f"/v1/jobs/{job}/plan", json={"cameras": {"cameras": cameras}}).status_code == 200


@pytest.fixture
def unfilled(app: Running) -> str:
    """The id of a scene of which one can look past the edges."""
    knobs = {"stage": "coarse", "max_resolution": 64, "stages.coarse.n_frames": 3, "stages.coarse.n_closing": 4}
    return app.wait_for(app.submit(knobs).json()["id"], "done")["id"]


def test_a_hole_of_five_percent_is_under_one_afterwards(drawing_tab, app, unfilled):
    depth = app.client.get(f"/v1/jobs/{unfilled}/camera").json()["focus_z"]
    found = ((text, hole(app, unfilled, pose_of(text))) for text in looks(depth))
    camera = next(text for text, share in found if BEFORE < share < 0.3 and is_free(app, unfilled, pose_of(text)))
    tab = drawing_tab()
    tab.open(f"#/scene/{unfilled}?camera={camera}")
    tab.see(".tools button")
    tab.press("Fill from here")
    tab.see("vd-fill-panel li img")
    tab.until("!document.querySelector('vd-fill-panel vd-go-on button').disabled")
    tab.go_on("trajectory=custom")
    (file,) = (app.data / "jobs" / unfilled / "run" / "inputs").iterdir()
    filled = torch.tensor(json.loads(file.read_text())["cameras"][-1]["world_from_cam"])
    assert torch.allclose(torch.linalg.inv(filled), pose_of(camera), atol=1e-3)
    assert hole(app, unfilled, pose_of(camera)) < AFTER


def shown(tab: Tab) -> list[str]:
    """The pictures of the list, by their pixels; "" for a view without one."""
    drawn = """async (item) => {
      const picture = item.querySelector("img");
      if (!picture) return "";
      await picture.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: 192, height: 144 });
      canvas.getContext("2d").drawImage(picture, 0, 0);
      return [...canvas.getContext("2d").getImageData(0, 0, 192, 144).data].join();
    }"""
    return tab.ask(f"Promise.all([...document.querySelectorAll('vd-fill-panel li')].map({drawn}))")


def step(tab: Tab) -> None:
    """Goes a step to the side in the viewer, and presses the button there."""
    tab.ask("((viewer) => viewer.go(viewer.pose.map((row, r) => row.with(3, row[3] + (r === 0 ? 0.05 : 0)))))" + VIEWER)
    tab.press("Fill from here")


def test_views_keep_their_pictures_over_a_reload_and_in_their_order(drawing_tab, job):
    tab = drawing_tab()
    tab.open(f"#/scene/{job}")
    tab.see(".tools button")
    tab.press("Fill from here")
    tab.see("vd-fill-panel li:nth-child(1) img")
    tab.press("Fill from here")
    tab.page.get_by_text("in the list already").wait_for()
    for n in (2, 3):
        step(tab)
        tab.see(f"vd-fill-panel li:nth-child({n}) img")
    first, second, third = before = shown(tab)
    assert len({first, second, third}) == 3
    tab.page.reload()
    tab.see("vd-fill-panel li img")
    assert shown(tab) == before
    tab.press("Remove View 2")
    tab.page.reload()
    tab.see("vd-fill-panel li img")
    assert shown(tab) == [first, third]


def test_one_view_too_many_is_refused_with_the_reason(drawing_tab, job):
    """Views from an address have no pictures, and can be removed all the same."""
    tab = drawing_tab()
    tab.open(f"#/scene/{job}?fill=" + ";".join(f"{0.001 * n:.4f},0,0,0,0,1" for n in range(1, 16)))
    tab.see(".tools button")
    tab.press("Fill from here")
    tab.page.get_by_text("View 16 of at most 16").wait_for()
    step(tab)
    tab.page.get_by_text("Remove one to add another").wait_for()
    assert shown(tab)[:15] == [""] * 15
    assert tab.page.locator("vd-fill-panel li").count() == 16
    tab.press("Remove View 1")
    step(tab)
    tab.page.get_by_text("View 16 of at most 16").wait_for()
