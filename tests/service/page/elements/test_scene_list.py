"""The list of all scenes: named, tagged, searched, filtered, and kept in place while it changes."""

import time

import pytest
from tests.service.conftest import Running, Start
from tests.service.page.conftest import Tab


@pytest.fixture(scope="module")
def idle(start: Start) -> Running:
    """A service without workers."""
    return start("min_free_gb=0", "workers=0", "drain_s=0")


def listed(tab: Tab) -> list[str]:
    return tab.ask("[...document.querySelectorAll('vd-scene-card')].map((each) => each.dataset.id)")


def test_a_scene_gets_a_name_and_tags_and_is_found_by_them(tab, idle):
    id, other = (idle.submit({"seed": seed}).json()["id"] for seed in (1, 2))
    page = tab(idle)
    page.open("#/scenes")
    card = page.see(f"[data-id='{id}']")
    card.get_by_role("button", name="Rename sample").click()
    page.page.keyboard.press("Escape")
    assert page.ask("document.activeElement.textContent") == "Rename"
    page.page.keyboard.press("Enter")
    card.get_by_label("Name", exact=True).fill("<i>Küche</i> 厨房")
    card.get_by_label("Tags", exact=True).fill("home, 家, home")
    page.page.keyboard.press("Enter")
    page.see(f"[data-id='{id}'] .tags li:nth-child(2)")
    entry = idle.client.get(f"/v1/gallery/{id}").json()
    assert (entry["name"], entry["tags"]) == ("<i>Küche</i> 厨房", ["home", "家"])
    assert card.locator("strong").inner_text() == "<i>Küche</i> 厨房"
    for text in ("厨房", "家", "seed=1"):
        page.page.get_by_role("searchbox").fill(text)
        page.until(f"!document.querySelector(\"[data-id='{other}']\") && document.querySelector('vd-scene-card')")
        assert listed(page) == [id]


def test_scenes_are_filtered_by_their_state_also_after_a_reload(tab, idle):
    cancelled = idle.submit().json()["id"]
    idle.client.post(f"/v1/jobs/{cancelled}/cancel")
    page = tab(idle)
    page.open("#/scenes")
    page.see(f"[data-id='{cancelled}']")
    page.page.get_by_label("State").select_option("Cancelled")
    for _ in range(2):
        page.until("document.querySelectorAll('vd-scene-card .state:not(.cancelled)').length === 0")
        assert listed(page) == [cancelled]
        page.page.reload()
        page.see(f"[data-id='{cancelled}']")
    assert "state=cancelled" in page.page.url


def test_changes_do_not_move_what_is_read(tab, start):
    """A new scene comes to the top, one of a page that is not listed yet changes nothing, and the list stays."""
    own = start("min_free_gb=0", "workers=0", "drain_s=0")
    oldest, *_ = [own.submit().json()["id"] for _ in range(55)]
    page = tab(own)
    page.open("#/scenes")
    page.see(".scenes li:nth-child(50)")
    page.page.mouse.wheel(0, 100_000)
    page.see(".scenes li:nth-child(55)")
    page.until("scrollY > 500")
    before, at = listed(page), page.ask("scrollY")
    own.client.post(f"/v1/jobs/{oldest}/cancel")
    page.see(f"[data-id='{oldest}'] .state.cancelled")
    assert listed(page) == before
    assert page.ask("scrollY") == at
    new = own.submit().json()["id"]
    page.until(f"document.querySelector('vd-scene-card').dataset.id === '{new}'")
    assert listed(page) == [new, *before]


def test_two_thousand_runs_are_scrolled_without_gaps(tab, start, tmp_path):
    for n in range(2000):
        run = tmp_path / f"image{n % 50}" / f"2026-01-01_{n // 3600:02d}-{n // 60 % 60:02d}-{n % 60:02d}"
        run.mkdir(parents=True)
        (run / "run.json").write_text('{"status": "interrupted", "overrides": ["seed=1"]}')
    page = tab(start("min_free_gb=0", "workers=0", "drain_s=0", f"gallery=['{tmp_path}']"))
    begun_s = time.monotonic()
    page.open("#/scenes")
    page.see("vd-scene-card")
    assert time.monotonic() - begun_s < 5, "a shared core at the worst; the law is a second of one's own"
    for _ in range(20):  # as fast as a person scrolls
        end_is_seen = page.ask("document.querySelector('.end').getBoundingClientRect().top < innerHeight")
        assert not end_is_seen, "there are 2,000"
        page.page.mouse.wheel(0, 300)
        page.page.wait_for_timeout(100)
    assert page.ask("scrollY") > 3000
    assert len(listed(page)) >= 100
    assert len(set(listed(page))) == len(listed(page))
