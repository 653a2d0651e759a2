"""How the camera of a viewer is kept where a scene holds: the rules, in a browser, and when the page knows them."""

import json
import math
from typing import Any

import pytest
from tests.service.conftest import Running
from tests.service.page.conftest import Replay, Tab

VIEWER = "document.querySelector('vd-scene-view').viewer"
FAR = "[[1, 0, 0, 50], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]"
"""A pose 50 to the right of the photo, looking ahead."""
LIMITS = {
    **{"low": [-0.2, -0.4, -0.4], "high": [0.4, 0.4, 0.8], "target": [0, 0, 4]},
    **{"yawDeg": [-10, 10], "pitchDeg": [-5, 10]},
}
FRAMES = f"""(async () => {{
  for (let k = 0; k < 5; k++) await new Promise((resolve) => {VIEWER}.handle.app.once("update", resolve));
}})()"""
"""Waits until the viewer has moved its camera five times."""


@pytest.fixture(scope="module")
def limiter(chromium: Any, app: Running):
    """What the functions of viewer_limits.js give for places and limits, as the page loads them."""
    page = chromium.new_context(locale="en-US").new_page()
    page.goto(str(app.client.base_url))

    def evaluate(expression: str, *values: Any) -> Any:
        module = "await import('/page/viewer_limits.js')"
        script = f"async ([limits, ...values]) => ({expression})({module}, limits, ...values)"
        return page.evaluate(script, [LIMITS, *values])

    yield evaluate
    page.context.close()


INSIDE = [
    ([0, 0, 0], [0, -180, 0]),
    ([-0.19, 0, 0], [0, -180, 0]),
    ([0.2, 0.2, 0.3], [5, 178, 0]),
    ([0, 0, 0], [0, 180 + 720 + 9, 0]),
]


@pytest.mark.parametrize(("position", "angles_deg"), INSIDE)
def test_a_camera_inside_is_left_as_it_is(position, angles_deg, limiter):
    place = {"position": position, "angles_deg": angles_deg}
    assert limiter("(m, limits, place) => m.limiter(place, limits) === place", place)


AHEAD = [0, -180, 0]
OUTSIDE = [
    ([-1, 0, 0], AHEAD, [-0.2, 0, 0], AHEAD),
    ([3, 0, 0], AHEAD, [0.4, 0, 0], AHEAD),
    ([0, 0, 1], AHEAD, [0, 0, 0.8], AHEAD),
    ([0, 0.4, 0.8], AHEAD, [0, 0.4 * math.sqrt(0.5), 0.8 * math.sqrt(0.5)], AHEAD),
    ([0, 0, 0], [0, -210, 0], [0, 0, 0], [0, -190, 0]),
    ([0, 0, 0], [0, 30, 0], [0, 0, 0], [0, -190, 0]),
    ([0, 0, 0], [-40, 170, 0], [0, 0, 0], [-5, 170, 0]),
]


@pytest.mark.parametrize(("position", "angles_deg", "kept", "kept_deg"), OUTSIDE)
def test_a_camera_outside_comes_to_the_limit(position, angles_deg, kept, kept_deg, limiter):
    """The focus is ahead, so that at the places of these cases a level view is within the angles."""
    found = limiter("(m, limits, place) => m.limiter(place, limits)", {"position": position, "angles_deg": angles_deg})
    assert found["position"] == pytest.approx(kept, abs=1e-9)
    assert found["angles_deg"][0] == pytest.approx(kept_deg[0], abs=1e-9)
    assert (found["angles_deg"][1] - kept_deg[1] + 180) % 360 == pytest.approx(180, abs=1e-9)
    assert limiter("(m, limits, place) => m.limiter(place, limits) === place", found)


def test_a_camera_that_was_let_outside_may_only_come_nearer(limiter):
    """The shares of the limit at which it is put back, and null where it is left."""
    frames = [[1, False], [3, True], [3, False], [2, False], [2.5, False], [0.5, False], [2, False]]
    keep = """(m, limits, frames) => {
      const keep = m.keeper(limits);
      const place = (share) => ({ position: [0, 0, share * limits.high[2]], angles_deg: [0, -180, 0] });
      const put = frames.map(([share, isLet]) => keep(place(share), isLet));
      return put.map((place) => place && place.position[2] / limits.high[2]);
    }"""
    found = limiter(keep, frames)
    assert found == [None, None, None, None, pytest.approx(2), None, pytest.approx(1)]


def right(service: Running, job: str) -> float:
    """How far the camera may go to the right."""
    limits = service.client.get(f"/v1/gallery/{job}/viewer_settings", params={"flight": False}).json()["limits"]
    return -limits["low"][0]


def opened(tab: Tab, job: str, query: str = "") -> Tab:
    tab.open(f"#/scene/{job}{query}")
    tab.see(".tools button")
    return tab


def is_at(x: float) -> str:
    return f"Math.abs({VIEWER}.pose[0][3] - {x}) < 1e-3"


def test_the_camera_stays_where_the_scene_holds_until_it_is_freed(drawing_tab, app, job):
    tab = opened(drawing_tab(), job)
    free = tab.page.get_by_role("button", name="Free camera", exact=True)
    free.wait_for()
    assert free.get_attribute("aria-pressed") == "false"
    tab.ask(f"{VIEWER}.go({FAR})")
    tab.until(is_at(right(app, job)))
    tab.press("Back to the photo")
    tab.until(is_at(0))
    free.click()
    assert free.get_attribute("aria-pressed") == "true"
    tab.ask(f"{VIEWER}.go({FAR})")
    tab.ask(FRAMES)
    assert tab.ask(is_at(50))
    free.click()
    tab.until(is_at(right(app, job)))


def test_a_link_to_a_camera_outside_opens_free(drawing_tab, app, job):
    tab = opened(drawing_tab(), job, "?camera=50,0,0,0,0,1")
    free = tab.page.get_by_role("button", name="Free camera", exact=True)
    free.wait_for()
    tab.ask(FRAMES)
    assert tab.ask(is_at(50))
    assert free.get_attribute("aria-pressed") == "true"


def test_a_link_to_a_camera_at_the_limit_does_not_free_it(drawing_tab, app, job):
    tab = opened(drawing_tab(), job)
    tab.page.get_by_role("button", name="Free camera", exact=True).wait_for()
    tab.ask(f"{VIEWER}.go({FAR})")
    tab.until(is_at(right(app, job)))
    camera = tab.ask(f"import('/page/pose.js').then(({{ written }}) => written({VIEWER}.pose))")
    again = opened(drawing_tab(), job, f"?camera={camera}")
    free = again.page.get_by_role("button", name="Free camera", exact=True)
    free.wait_for()
    assert free.get_attribute("aria-pressed") == "false"
    assert again.ask(is_at(right(app, job)))


def test_the_limits_come_when_the_run_ends(drawing_tab, app, idle, job):
    run = app.data / "jobs" / job / "run"
    copy = Replay(idle, run)
    copy.write(len((run / "events.jsonl").read_text().splitlines()))
    tab = opened(drawing_tab(idle), copy.id)
    free = tab.page.get_by_role("button", name="Free camera", exact=True)
    assert not free.is_visible()
    tab.ask(f"{VIEWER}.home()")
    copy.end()
    free.wait_for()
    tab.ask(f"{VIEWER}.go({FAR})")
    tab.until(is_at(right(app, job)))


def test_a_run_without_a_reach_leaves_the_camera_free(drawing_tab, app, idle, job):
    run = app.data / "jobs" / job / "run"
    copy = Replay(idle, run)
    copy.write(len((run / "events.jsonl").read_text().splitlines()))
    metrics = idle.data / "jobs" / copy.id / "run" / "metrics.json"
    metrics.write_text(json.dumps({"stage": "initialize"}))
    copy.end()
    address = f"/v1/gallery/{copy.id}/viewer_settings"
    assert idle.client.get(address, params={"flight": False}).json()["limits"] is None
    tab = opened(drawing_tab(idle), copy.id)
    tab.until("document.querySelector('vd-scene-view').measured.done")
    tab.ask(f"{VIEWER}.go({FAR})")
    tab.ask(FRAMES)
    assert tab.ask(is_at(50))
    assert not tab.page.get_by_role("button", name="Free camera", exact=True).is_visible()
