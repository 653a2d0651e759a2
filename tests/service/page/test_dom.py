"""The page for everybody: screen readers, light and dark, and who wants nothing to move."""

import sys
from pathlib import Path

import pytest
from tests.service.conftest import Running, Start
from tests.service.page.conftest import Tab, with_keys

from vistadream.service.access.scopes import SCOPES

AXE = Path(sys.prefix) / "node" / "node_modules" / "axe-core" / "axe.min.js"


def offenses(tab: Tab) -> list[str]:
    """What axe-core finds serious or critical."""
    tab.ask(AXE.read_text())
    results = tab.ask("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html']}" for each in results if each["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def looked_at() -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm install --prefix .venv/node axe-core")


@pytest.fixture(scope="module")
def guarded(start: Start) -> tuple[Running, str]:
    """A service with keys, and the key of its admin."""
    service = start("min_free_gb=0", "workers=0", "drain_s=0")
    return service, with_keys(service).add("admin", scopes=SCOPES).text


@pytest.mark.parametrize("scheme", ["light"])
@pytest.mark.usefixtures("looked_at")
def test_a_screen_reader_finds_its_way_while_a_scene_is_made(scheme, tab, idle, replay):
    found, page = {}, tab(idle, color_scheme=scheme)
    waiting = idle.submit().json()["id"]
    page.open(f"#/scene/{waiting}")
    page.see(".state.queued")
    found["queued"] = offenses(page)
    job = replay(idle)
    job.write(8)
    page.open(f"#/scene/{job.id}")
    page.see("vd-stage-line .stages li.now")
    found["running"] = offenses(page)
    job.end()
    assert not any(found.values()), found


@pytest.mark.parametrize("scheme", ["light"])
@pytest.mark.usefixtures("looked_at")
def test_a_screen_reader_finds_its_way_in_and_to_the_admin(scheme, tab, guarded):
    service, key = guarded
    page = tab(service, color_scheme=scheme)
    page.expected += ("401",)
    page.open()
    page.see("vd-sign-in")
    found = {"sign in": offenses(page)}
    page.page.get_by_label("Key or token").fill(key)
    page.press("Sign in")
    page.see("#photo")
    page.page.get_by_role("link", name="Service", exact=True).click()
    page.see("vd-admin-page li")
    found["admin"] = offenses(page)
    assert not any(found.values()), found


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
