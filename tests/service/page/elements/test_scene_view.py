"""What can be done with a scene in the viewer, and two scenes next to each other under one camera."""

import math
from typing import Any

import pytest
import torch
from tests.service.conftest import Running
from tests.service.page.conftest import PHONE, Tab

VIEW = "document.querySelector('vd-scene-view')"
VIEWER = f"{VIEW}.viewer"
TWIN = "document.querySelector('vd-scene-twin').viewer"
SAME = f"{VIEWER}.pose.flat().every((number, k) => Math.abs(number - {TWIN}.pose.flat()[k]) < 2e-4)"
TIED = "Boolean(document.querySelector('vd-scene-twin')?.untie)"


COUNTED = """(() => {
  window.most = 0;
  const count = () => (window.most = Math.max(window.most, document.querySelectorAll(".sse-viewer").length));
  new MutationObserver(count).observe(document, { childList: true, subtree: true });
})()"""
"""Has the page remember the most viewers that were in it at one time."""


@pytest.fixture(scope="module")
def job(app: Running) -> str:
    """A job that is done, with a scene after two stages."""
    answer = app.submit({"stage": "coarse", "max_resolution": 64, "stages.coarse.n_frames": 1, "flight.frames": 8})
    return app.wait_for(answer.json()["id"], "done")["id"]


@pytest.fixture
def opened(drawing_tab, job):
    """Opens the scene; the query of the address can have a camera."""

    def open_scene(query: str = "", **context: Any) -> Tab:
        tab = drawing_tab(**({"viewport": {"width": 700, "height": 700}} | context))
        tab.open(f"#/scene/{job}{query}")
        tab.see(".tools [aria-pressed='true']:text-is('Explore')")  # the stage before may have been shown first
        tab.until("document.querySelectorAll('.frame canvas').length === 1")
        return tab

    return open_scene


def pose(tab: Tab, viewer: str = VIEWER) -> torch.Tensor:
    return torch.tensor(tab.ask(f"{viewer}.pose"))


def drag(tab: Tab, selector: str) -> None:
    """From the middle of a canvas 60 pixels to the right."""
    box = tab.page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 60, y, steps=4)
    tab.page.mouse.up()


def test_the_flight_is_that_of_the_service(opened, app, job):
    settings = app.client.get(f"/v1/gallery/{job}/viewer_settings", timeout=120).json()
    positions = torch.tensor(settings["animTracks"][0]["keyframes"]["values"]["position"]).reshape(-1, 3)
    tab = opened()
    assert not tab.ask(f"{VIEWER}.hasFlight"), "it is asked for when somebody wants it"
    tab.press("Fly the path")
    tab.until(f"{VIEWER}?.hasFlight && {VIEWER}.isFlying")
    tab.press("Fly the path")
    tab.until(f"!{VIEWER}.isFlying")
    x, y, z = (positions[2] * torch.tensor([-1.0, -1.0, 1.0])).tolist()
    assert math.hypot(x, y, z) > 0.05
    tab.ask(f"{VIEWER}.handle.seek({2 * settings['animTracks'][0]['duration'] / len(positions)})")
    away = f"((pose) => Math.hypot(pose[0][3] - ({x}), pose[1][3] - ({y}), pose[2][3] - ({z})))({VIEWER}.pose)"
    tab.until(f"{away} < 0.01")


def test_speed_and_background_stay_when_another_stage_is_shown(opened):
    tab = opened()
    tab.page.get_by_label("Speed").select_option("2×")
    tab.page.get_by_label("Background").fill("#ff0000")
    tab.press("Depth")
    tab.see(".tools [aria-pressed='true']:text-is('Depth')")
    assert tab.ask(f"{VIEWER}.handle.app.timeScale") == 2
    assert tab.ask(f"{VIEWER}.camera.camera.clearColor.toString()").startswith("#ff0000")
    tab.free_camera()
    tab.ask(f"{VIEWER}.go([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -50], [0, 0, 0, 1]])")
    pixel = "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data]"
    red, green, blue, _ = tab.ask(f"{VIEWER}.still(16, 12).then({pixel})")
    assert red > 200 > 60 > max(green, blue), "far behind the photo there is nothing but the background"


def test_the_way_back_leads_to_the_photo_also_from_a_link_to_elsewhere(opened):
    tab = opened("?camera=-0.1,0.05,0.1,0.2,0,0.98")
    assert torch.allclose(pose(tab)[:3, 3], torch.tensor([-0.1, 0.05, 0.1]), atol=1e-3)
    tab.press("Back to the photo")
    tab.until(f"Math.hypot(...[0, 1, 2].map((k) => {VIEWER}.pose[k][3])) < 1e-3")
    assert math.degrees(math.acos(min(1.0, float(pose(tab)[2, 2])))) < 0.1


def test_the_picture_fills_the_screen_and_leaves_it(opened):
    tab = opened()
    tab.press("Full screen")
    tab.until("document.fullscreenElement?.className === 'frame'")
    tab.ask("document.exitFullscreen()")
    tab.until("document.fullscreenElement === null")


def test_two_scenes_share_one_camera(opened):
    tab = opened()
    tab.free_camera()
    tab.press("Side by side")
    tab.until(TIED)
    assert torch.allclose(pose(tab, TWIN), pose(tab), atol=1e-3)
    for own in (".frame > .viewer canvas", "vd-scene-twin canvas"):
        before = pose(tab)
        drag(tab, own)
        tab.until(f"Math.abs({VIEWER}.pose[0][2] - {float(before[0, 2])}) > 0.01")
        tab.until(SAME)
    tab.page.get_by_label("The second scene after").select_option("Explore")
    tab.until(TIED)
    assert tab.page.locator("canvas").count() == 2
    tab.press("Side by side")
    assert tab.page.locator("canvas").count() == 1


@pytest.mark.parametrize("moved", [VIEWER, TWIN])
def test_two_scenes_stay_where_the_first_one_holds(moved, opened, app, job):
    tab = opened()
    tab.see("button:text-is('Free camera')")
    tab.press("Side by side")
    tab.until(TIED)
    tab.ask(f"{moved}.go([[1, 0, 0, 50], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])")
    limits = app.client.get(f"/v1/gallery/{job}/viewer_settings", params={"flight": False}).json()["limits"]
    tab.until(f"Math.abs({TWIN}.pose[0][3] + {limits['low'][0]}) < 1e-3 && {SAME}")


OUTSIDE = """(() => {
  const frame = document.querySelector(".frame").getBoundingClientRect();
  const help = document.querySelector(".sse-controlsHint").getBoundingClientRect();
  return [frame.top - help.top, help.bottom - frame.bottom, frame.left - help.left, help.right - frame.right];
})()"""
"""How far the viewer's list of keys reaches over each edge of the picture."""


def test_the_list_of_keys_does_not_cover_a_small_picture(opened):
    tab = opened(**PHONE)
    keys = tab.page.get_by_role("button", name="Controls", exact=True)
    help = tab.page.locator(".sse-controlsHint")
    assert not help.is_visible()
    keys.click()
    assert help.is_visible()
    tab.press("Side by side")
    tab.until(TIED)
    assert not help.is_visible()
    keys.click()
    assert help.is_visible()
    assert max(tab.ask(OUTSIDE)) <= 0


def test_there_are_never_more_than_two_viewers(opened):
    tab = opened()
    tab.ask(COUNTED)
    tab.press("Side by side")
    for stage in ("Depth", "Explore", "Depth"):
        tab.press(stage)
        tab.see(f".tools [aria-pressed='true']:text-is('{stage}')")
    for part in ("Compare", "Scene", "Compare", "Scene"):
        tab.page.get_by_role("link", name=part, exact=True).click()
    tab.see(".tools button")
    tab.until("document.querySelectorAll('canvas').length === 1")
    assert tab.ask("window.most") == 2
