"""The page for everybody: screen readers, light and dark, and who wants nothing to move."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service.conftest import Running, Start
from tests.service.page.conftest import Tab, with_keys

from vistadream.service.access.scopes import SCOPES

AXE = Path(sys.prefix) / "node" / "node_modules" / "axe-core" / "axe.min.js"


class Look:
    """What axe-core finds serious or critical in the views of a page, each of which it sees light and dark."""

    def __init__(self):
        self._found: list[str] = []

    def at(self, view: str, tab: Tab) -> None:
        if not tab.ask("'axe' in window"):
            tab.ask(AXE.read_text())
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            violations = tab.ask("axe.run(document, {resultTypes: ['violations']})")["violations"]
            serious = [each for each in violations if each["impact"] in ("serious", "critical")]
            self._found += [f"{view}, {scheme}: {each['id']}: {each['nodes'][0]['html']}" for each in serious]

    def check(self) -> None:
        assert self._found == []


@pytest.fixture
def look() -> Iterator[Look]:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --prefix .venv/node axe-core")
    look = Look()
    yield look
    look.check()


@pytest.fixture(scope="module")
def idle(app: Running, done: str, start: Start, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """A service whose jobs wait, with a run of another folder in its gallery."""
    folder = tmp_path_factory.mktemp("outputs")
    shutil.copytree(app.data / "jobs" / done / "run", folder / "2026-01-02_03-04-05")
    return start("min_free_gb=0", "workers=0", "drain_s=0", f"gallery=[{folder}]")


@pytest.fixture(scope="module")
def guarded(start: Start) -> tuple[Running, str]:
    """A service with keys, and the key of its admin."""
    service = start("min_free_gb=0", "workers=0", "drain_s=0")
    return service, with_keys(service).add("admin", scopes=SCOPES).text


def test_a_screen_reader_finds_its_way_to_a_scene_and_in_it(look, tab, app, done):
    failed = app.submit({"backends/depth": "moge"}).json()["id"]
    page = tab(reduced_motion="reduce")
    page.open()
    page.see(".sample")
    look.at("new scene", page)
    page.choose()
    page.page.get_by_text("Every setting").click()
    page.page.locator("details.group summary").first.click()
    page.see("vd-knob-field:visible >> nth=0")
    look.at("choices", page)
    for part, inside in {
        "": "figure, video",
        "pictures": "img",
        "files": "li",
        "notes": "li",
        "change": "summary",
    }.items():
        page.open(f"#/scene/{done}/{part}")
        page.see(f".run-body :is({inside}) >> nth=0")
        look.at(part or "scene without a viewer", page)
    page.page.get_by_role("radio", name="Thorough").check(force=True)
    page.see("vd-go-on button:enabled")
    look.at("what a change does", page)
    app.wait_for(failed, "failed")
    page.open(f"#/scene/{failed}")
    page.see(".bad")
    look.at("failed", page)


def test_a_screen_reader_finds_its_way_in_the_viewer(look, drawing_tab, explored):
    page = drawing_tab(reduced_motion="reduce")
    page.open(f"#/scene/{explored}")
    page.see(".tools button")
    look.at("viewer", page)
    page.press("Fill from here")
    page.see("vd-fill-panel li img")
    page.see("vd-go-on button:enabled")
    look.at("fill from here", page)
    page.press("Link to this view")
    page.see("vd-copy-line")
    page.press("Side by side")
    page.see("vd-scene-twin canvas")
    look.at("side by side", page)
    page.page.get_by_role("link", name="Compare", exact=True).click()
    page.see("vd-compare-slider input")
    look.at("compare", page)


def test_a_screen_reader_finds_its_way_while_a_scene_is_made_and_among_all(look, tab, idle, replay):
    page = tab(idle, reduced_motion="reduce")
    waiting = idle.submit().json()["id"]
    page.open(f"#/scene/{waiting}")
    page.see(".state.queued")
    look.at("queued", page)
    page.press("Cancel")
    page.see(".state.cancelled")
    look.at("cancelled", page)
    job = replay(idle)
    job.write(8)
    page.open(f"#/scene/{job.id}")
    page.see("vd-stage-line .stages li.now")
    look.at("running", page)
    job.end()
    page.open("#/scenes")
    page.see("vd-scene-card >> nth=2")
    look.at("gallery", page)
    card = page.page.locator(f"[data-id='{waiting}']")
    card.get_by_role("button", name=re.compile("^Rename")).click()
    page.see("form.edit")
    look.at("rename", page)
    page.press("Cancel")
    card.get_by_role("button", name="Remove").click()
    card.get_by_role("button", name="Undo").wait_for()
    look.at("removed", page)
    page.page.locator("vd-scene-card a[href^='#/other/']").click()
    page.see("vd-other-run .files li >> nth=0")
    look.at("other run", page)
    page.open("#/scene/none")
    page.see("vd-run-page > .bad")
    look.at("gone", page)
    page.expected += ("404",)


def test_a_screen_reader_finds_its_way_in_and_to_the_admin(look, tab, guarded):
    service, key = guarded
    page = tab(service, reduced_motion="reduce")
    page.expected += ("401",)
    page.open()
    page.see("vd-sign-in")
    look.at("sign in", page)
    page.page.get_by_label("Key or token").fill(key)
    page.press("Sign in")
    page.see("#photo")
    page.page.get_by_role("link", name="Service", exact=True).click()
    page.see("vd-admin-page li >> nth=0")
    look.at("admin", page)


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_nothing_moves_for_who_wants_that(motion, tab, idle, replay):
    job = replay(idle)
    job.write(8)
    page = tab(idle, reduced_motion=motion)
    page.open(f"#/scene/{job.id}")
    page.see("vd-stage-line .stages li.now")
    moving = page.ask("document.getAnimations().length")
    job.end()
    assert (moving > 0) == (motion == "no-preference")
