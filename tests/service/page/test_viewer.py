"""The scene in the viewer of the page: what it shows, and where its camera is, in the world of the run."""

import base64
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.service.conftest import Running
from tests.service.page.conftest import Tab

from vistadream.config import configured
from vistadream.core import Gaussians
from vistadream.formats.ply import read_ply, write_ply
from vistadream.formats.scene import load_scene
from vistadream.runs.paths import RunPaths

VIEW = "document.querySelector('vd-scene-view')"
RENDERER = configured("backends/render=cpu")
CONTEXT = 'document.querySelector(".viewer canvas").getContext("webgl2")'
CONTEXTS_COUNTED = """
  const made = [];
  window.most = 0;
  window.alive = () => made.filter((context) => !context.isContextLost()).length;
  const { getContext } = HTMLCanvasElement.prototype;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    const context = getContext.call(this, kind, ...rest);
    if (context && kind.startsWith("webgl") && !made.includes(context)) made.push(context);
    window.most = Math.max(window.most, window.alive());
    return context;
  };
"""
"""Has the page know how many of its graphics contexts are alive, and the most that were at one time."""
MANY_VIEWERS = """async ([job, n]) => {
  const address = (path) => new URL(path, document.baseURI).href;
  const { Viewer } = await import(address("page/viewer.js"));
  const settings = await (await fetch(address(`v1/gallery/${job}/viewer_settings?flight=false`))).json();
  const isPicture = ({ data }) => new Set(atob(data)).size > 20; // one color has four values at most
  const open = async () => {
    const inside = document.body.appendChild(document.createElement("div"));
    inside.style.cssText = "width: 64px; height: 48px; position: relative";
    const viewer = await Viewer.open(inside, address(`v1/jobs/${job}/results/stages/initialize.ply`), settings);
    const isDrawn = isPicture(await viewer.handle.captureFrame({ width: 32, height: 24 }));
    viewer.close();
    inside.remove();
    return isDrawn;
  };
  return (await Promise.all(Array.from({ length: n }, open))).filter(Boolean).length;
}"""
"""Opens viewers all at once and closes each after it has drawn; how many have drawn something."""
LOSE = f'{CONTEXT}.getExtension("WEBGL_lose_context").loseContext()'


def opened(tab: Tab, job: str, query: str = "") -> Tab:
    tab.open(f"#/scene/{job}{query}")
    tab.see(".tools button")
    return tab


def pose(tab: Tab) -> torch.Tensor:
    return torch.tensor(tab.ask(f"{VIEW}.viewer.pose"))


def turned_deg(a: torch.Tensor, b: torch.Tensor) -> float:
    cosine = ((a[:3, :3].T @ b[:3, :3]).trace() - 1) / 2
    return math.degrees(math.acos(min(1.0, float(cosine))))


def test_the_scene_is_shown_as_our_renderer_draws_it(drawing_tab, app, job):
    tab = opened(drawing_tab(), job)
    scene = load_scene(RunPaths(app.data / "jobs" / job / "run").stage("initialize"))
    camera = scene.anchor.camera
    frame = tab.ask(f"{VIEW}.viewer.handle.captureFrame({{width: {camera.width}, height: {camera.height}}})")
    shown = np.frombuffer(base64.b64decode(frame["data"]), np.uint8).reshape(camera.height, camera.width, 4)[..., :3]
    (drawn,) = RENDERER(scene.gaussians, [camera])
    error = (drawn.rgb.clamp(0, 1).numpy() - shown / 255) ** 2
    assert -10 * math.log10(error.mean()) >= 25


@pytest.mark.parametrize("camera", ["0.1,-0.05,0.2,0,0,1", "-0.2,0.1,0.1,0.3,-0.2,0.9", "0,0,0,-0.5,0.1,0.85"])
def test_a_link_opens_at_its_camera_and_gives_the_same_link_again(camera, drawing_tab, job):
    tab = opened(drawing_tab(), job, f"?camera={camera}")
    place, ahead = torch.tensor([float(word) for word in camera.split(",")]).reshape(2, 3)
    found = pose(tab)
    assert torch.allclose(found[:3, 3], place, atol=1e-3)
    assert math.degrees(math.acos(min(1.0, float(found[:3, 2] @ (ahead / ahead.norm()))))) < 0.1
    tab.press("Link to this view")
    again = opened(drawing_tab(), job, "?" + tab.page.locator("vd-copy-line code").inner_text().split("?")[1])
    assert torch.allclose(pose(again), found, atol=1e-3)


def test_the_camera_starts_at_the_photo_moves_by_a_drag_and_comes_back(drawing_tab, job):
    tab = opened(drawing_tab(), job)
    assert torch.allclose(pose(tab), torch.eye(4), atol=1e-3)
    tab.free_camera()
    box = tab.page.locator(".viewer canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 100, y, steps=4)
    tab.page.mouse.up()
    tab.until(f"Math.abs({VIEW}.viewer.pose[0][3]) > 0.05")
    assert turned_deg(pose(tab), torch.eye(4)) > 1
    tab.press("Back to the photo")
    tab.until(f"Math.hypot(...[0, 1, 2].map((k) => {VIEW}.viewer.pose[k][3])) < 1e-3")


def test_a_still_has_twice_the_pixels_of_the_screen(drawing_tab, job):
    tab = opened(drawing_tab(viewport={"width": 500, "height": 600}), job)
    size = tab.ask(
        "(({clientWidth, clientHeight}) => [clientWidth, clientHeight])(document.querySelector('.viewer canvas'))"
    )
    with tab.page.expect_download() as download:
        tab.press("Save a picture")
    from PIL import Image

    picture = Image.open(download.value.path())
    assert picture.size == (2 * size[0], 2 * size[1])
    assert np.asarray(picture.convert("RGB")).std() > 10


def test_forty_viewers_are_given_back_and_the_last_one_draws(drawing_tab, done):
    """Browsers have 16 contexts: they take the first away when there are more, and say so."""
    tab, said = drawing_tab(viewport={"width": 400, "height": 600}), []
    tab.page.on("console", lambda message: said.append(message.text))
    tab.page.add_init_script(CONTEXTS_COUNTED)
    opened(tab, done)
    assert tab.ask("alive()") == 1
    tab.page.get_by_role("link", name="Notes").click()
    tab.until("alive() === 0")
    assert tab.page.evaluate(MANY_VIEWERS, [done, 40]) == 40
    assert tab.ask("most") == 2
    assert tab.ask("alive()") == 0
    assert [text for text in said if "Too many" in text] == []


def test_photo_and_scene_are_compared_by_keys(drawing_tab, job):
    tab = drawing_tab()
    tab.open(f"#/scene/{job}/compare")
    slider, above = tab.see("vd-compare-slider input"), tab.page.locator("vd-compare-slider .above")
    pictures = "[...document.querySelectorAll('vd-compare-slider img')]"
    tab.until(f"{pictures}.length && {pictures}.every((each) => each.naturalWidth === 128)")
    before = above.evaluate("(each) => each.style.clipPath")
    slider.focus()
    tab.page.keyboard.press("ArrowRight")
    assert above.evaluate("(each) => each.style.clipPath") != before


def test_without_drawing_the_video_is_shown_with_the_reason(tab, app):
    answer = app.submit({"export": ["gaussians", "video"]})
    job = app.wait_for(answer.json()["id"], "done")["id"]
    page = tab()
    page.open(f"#/scene/{job}")
    page.see(".frame video")
    assert "WebGL" in page.page.locator("vd-scene-view > .hint").inner_text()


def test_a_scene_is_filled_from_where_somebody_stands(drawing_tab, app):
    answer = app.submit({"stage": "coarse", "max_resolution": 64, "stages.coarse.n_frames": 1})
    job = app.wait_for(answer.json()["id"], "done")["id"]
    tab = opened(drawing_tab(), job, "?camera=-0.1,0,0.05,0.2,0,0.98")
    stood = pose(tab)
    tab.press("Fill from here")
    tab.see("vd-fill-panel li img")
    tab.see("vd-go-on .stages .waiting")
    kept = tab.ask("[...document.querySelectorAll('vd-go-on li.kept')].length")
    tab.go_on("trajectory=custom")
    file = next((app.data / "jobs" / job / "run" / "inputs").iterdir())
    cameras = torch.tensor([each["world_from_cam"] for each in json.loads(file.read_text())["cameras"]])
    assert kept == 3
    assert torch.allclose(cameras, torch.stack([torch.eye(4), stood]), atol=1e-3)


def test_graphics_that_are_taken_away_are_said_and_come_back(drawing_tab, job):
    tab = drawing_tab()
    tab.open(f"#/scene/{job}")
    tab.see(".tools button")
    tab.ask(LOSE)
    tab.page.get_by_role("button", name="Try again").wait_for()
    assert "taken away" in tab.page.locator("vd-scene-view > .hint").inner_text()
    assert tab.page.locator(".frame canvas").count() == 0
    assert tab.page.locator(".frame figure, .frame video").count() == 1, "a picture stands in its place"
    tab.press("Try again")
    tab.see(".tools button")
    assert tab.page.locator(".frame canvas").count() == 1
    assert tab.ask("document.querySelector('vd-scene-view').viewer.pose[0][0]") == pytest.approx(1, abs=1e-3)


def forget_gaussians(events: Path) -> None:
    """Has the events say what those of an empty scene would."""
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    for line in lines:
        if line["kind"] == "stage_finished":
            line["value"]["gaussians"] = 0
    events.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def empty(app: Running) -> str:
    """The id of a job whose scene has no Gaussians."""
    id = app.wait_for(app.submit().json()["id"], "done")["id"]
    file = RunPaths(app.data / "jobs" / id / "run").stage("initialize") / "gaussians.ply"
    write_ply(Gaussians(*(tensor[:0] for _, tensor in read_ply(file).tensors())), file)
    forget_gaussians(app.data / "jobs" / id / "run" / "events.jsonl")
    return id


def test_a_scene_without_gaussians_is_a_picture_and_a_sentence(drawing_tab, empty):
    tab = drawing_tab()
    tab.open(f"#/scene/{empty}")
    tab.see(".state.done")
    tab.see(".frame figure img, .frame video")
    assert "no Gaussians" in tab.page.locator("vd-scene-view > .hint").inner_text()
    assert tab.page.locator("canvas").count() == 0
