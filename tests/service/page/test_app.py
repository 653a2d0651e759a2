"""The page as a person meets it: from a photo to a scene, over reloads and a killed service, on a phone and by keys."""

import json
import re
import signal
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.service.conftest import SMALLEST, Start
from tests.service.page.conftest import NEW_SCENE, PHONE, Tab, with_keys

from vistadream.assets import sample_image
from vistadream.config import words_of
from vistadream.workers.carry_out import carry_out

PAGE = Path(__file__).parents[3] / "src" / "vistadream" / "service" / "page"
SCRIPTS = sorted(file for file in PAGE.rglob("*.js") if "lib" not in file.parts)


def make_scene(tab: Tab) -> str:
    """From the sample to a scene that is done; its id."""
    tab.open(NEW_SCENE)
    tab.choose()
    tab.press("Make the scene")
    tab.see(".state.done")
    return tab.job_id


def test_a_photo_becomes_a_scene(tab, app):
    page = tab()
    id = make_scene(page)
    job = app.client.get(f"/v1/jobs/{id}").json()
    assert job["input"] == sample_image().name
    assert {word.partition("=")[0] for word in job["words"]} == set(SMALLEST)
    page.page.get_by_role("link", name="Files").click()
    with page.page.expect_download() as download:
        page.page.get_by_role("link", name="Download gaussians.ply", exact=True).click()
    ply = app.client.get(f"/v1/jobs/{id}/results/gaussians.ply").content
    assert Path(download.value.path()).read_bytes() == ply


def test_each_event_is_taken_once_also_after_a_reload(tab, app, done):
    page = tab()
    page.open(f"#/scene/{done}/notes")
    lines = (app.data / "jobs" / done / "run" / "events.jsonl").read_text().splitlines()
    notes = [event["value"]["text"] for event in map(json.loads, lines) if event["kind"] == "note"]
    for _ in range(3):
        page.see(f".notes li:nth-child({len(notes)})")
        assert sorted(page.page.locator(".notes li").all_inner_texts()) == sorted(notes)
        assert page.ask("document.querySelector('vd-run-page').run.lastSeq") == len(lines)
        page.page.reload()


def test_a_killed_service_is_waited_for(tab, start: Start, app):
    port = str(app.client.base_url.port)
    first = start("min_free_gb=0", "drain_s=0")
    page = tab(first)
    page.expected += ("Failed to load resource", "ERR_")
    page.open(NEW_SCENE)
    page.choose()
    page.press("Make the scene")
    page.see("vd-stage-line .stages li")
    first.stop(signal.SIGKILL)
    page.see(".away:not(:empty)")
    assert str(first.client.base_url.port) != port
    start("min_free_gb=0", "drain_s=0", data=first.data, port=str(first.client.base_url.port))
    page.see(".state.done")
    assert page.page.locator(".away").inner_text() == ""
    lines = (first.data / "jobs" / page.job_id / "run" / "events.jsonl").read_text().splitlines()
    assert page.ask("document.querySelector('vd-run-page').run.lastSeq") == len(lines)


def test_a_queued_scene_says_its_place_and_can_be_cancelled(tab, start: Start):
    idle = start("min_free_gb=0", "workers=0", "drain_s=0")
    idle.submit()
    second = idle.submit().json()["id"]
    page = tab(idle)
    page.open(f"#/scene/{second}")
    page.until("document.querySelector('.sentence')?.textContent.includes('place 2')")
    page.press("Cancel")
    page.see(".state.cancelled")
    page.press("Try again")
    page.see(".state.queued")


def test_all_scenes_are_listed_as_they_are_now(tab, start: Start):
    idle = start("min_free_gb=0", "workers=0", "drain_s=0")
    ids = [idle.submit().json()["id"] for _ in range(52)]
    page = tab(idle)
    page.open("#/scenes")
    page.see(".scenes li:nth-child(50)")
    page.page.mouse.wheel(0, 100_000)
    page.see(".scenes li:nth-child(52)")
    listed = page.ask("[...document.querySelectorAll('vd-scene-card')].map((each) => each.dataset.id)")
    assert listed == ids[::-1]
    idle.client.post(f"/v1/jobs/{ids[0]}/cancel")
    page.see(f"[data-id='{ids[0]}'] .state.cancelled")
    idle.client.delete(f"/v1/jobs/{ids[1]}")
    page.until(f"!document.querySelector(\"[data-id='{ids[1]}']\")")
    page.page.get_by_role("searchbox").fill("nothing has this name")
    page.page.get_by_text("No scene has this in").wait_for()
    assert "q=nothing" in page.page.url


def test_a_scene_is_starred_removed_and_brought_back(tab, start: Start):
    idle = start("min_free_gb=0", "workers=0", "drain_s=0")
    id = idle.submit().json()["id"]
    idle.client.post(f"/v1/jobs/{id}/cancel")
    page = tab(idle)
    page.open("#/scenes")
    card = page.see(f"[data-id='{id}']")
    card.get_by_role("button", name="Star").click()
    page.see(f"[data-id='{id}'] [aria-pressed='true']")
    assert idle.client.get(f"/v1/gallery/{id}").json()["star"]
    card.get_by_role("button", name="Remove").click()
    card.get_by_role("button", name="Undo").wait_for()
    assert idle.client.get("/v1/gallery").json()["entries"] == []
    card.get_by_role("button", name="Undo").click()
    page.see(f"[data-id='{id}'] .state.cancelled")
    assert [entry["id"] for entry in idle.client.get("/v1/gallery").json()["entries"]] == [id]


def test_who_needs_a_key_signs_in_and_out(tab, start: Start):
    idle = start("min_free_gb=0", "workers=0", "drain_s=0")
    key = with_keys(idle).add("alice").text
    page = tab(idle)
    page.expected = ("401 (Unauthorized)",)
    page.open()
    page.page.get_by_label("Key or token").fill("vd_0_wrong")
    page.press("Sign in")
    page.page.get_by_text("The service does not know this key").wait_for()
    page.page.get_by_label("Key or token").fill(key)
    page.press("Sign in")
    page.see("#photo", 60)
    page.press("Sign out")
    page.see("vd-sign-in")
    assert page.page.context.cookies() == []


def test_a_run_of_another_folder_is_shown_with_its_picture_and_files(tab, start: Start, tmp_path: Path):
    run = tmp_path / "outputs" / "2026-01-02_03-04-05"
    carry_out("single_img", [*words_of(SMALLEST), f"image={sample_image()}"], run)
    page = tab(start("min_free_gb=0", "workers=0", f"gallery=[{run.parent}]"))
    page.open("#/scenes")
    page.see("vd-scene-card").get_by_role("link").click()
    page.see("vd-other-run .files li")
    page.until("document.querySelector('vd-other-run img')?.naturalWidth > 0")
    (saved,) = page.page.get_by_role("link", name="Download gaussians.ply").all()
    assert page.page.request.get(saved.get_attribute("href")).body() == (run / "export" / "gaussians.ply").read_bytes()


def test_the_error_of_a_run_is_shown_in_its_own_sentence(tab, app):
    job = app.submit({"backends/depth": "moge"}).json()
    error = app.wait_for(job["id"], "failed")["error"]
    page = tab()
    page.open(f"#/scene/{job['id']}")
    assert error in page.see(".bad").first.inner_text()


def test_what_the_service_refuses_is_said_at_the_knob(tab):
    page = tab()
    page.expected += ("422",)
    page.open("#/?knobs=%7B%22max_resolution%22%3A8%7D")
    page.choose()
    page.press("Make the scene")
    assert "max_resolution" in page.see(".said .bad").inner_text()
    assert page.ask("document.activeElement.id") == "knob-max_resolution"
    page.page.get_by_label("max_resolution", exact=True).fill("64")
    page.page.keyboard.press("Tab")
    assert json.loads(page.ask("new URLSearchParams(location.hash.split('?')[1]).get('knobs')")) == {
        "max_resolution": 64
    }


@pytest.mark.parametrize(("name", "content"), [("empty.png", b""), ("text.jpg", b"no picture")])
def test_a_wrong_file_is_refused_before_anything_is_sent(name, content, tab):
    page = tab()
    page.open()
    page.choose({"name": name, "mimeType": "image/png", "buffer": content})
    assert name in page.see("vd-drop-zone .bad:not(:empty)").inner_text()
    assert not [url for url in page.requests if "predict" in url]


def test_every_knob_is_there_with_its_remark_and_the_equal_command(tab, app):
    known = app.client.get("/v1/knobs").json()["properties"]
    page = tab()
    page.open("#/?knobs=%7B%22seed%22%3A3%2C%22export%22%3A%5B%22ply%22%2C%22html%22%5D%7D")
    page.choose()
    page.page.get_by_text("Every setting").click()
    page.until(f"document.querySelectorAll('vd-knob-field').length === {len(known)}")
    text = page.ask("document.querySelector('vd-knob-list').textContent")
    assert [name for name, schema in known.items() if schema.get("description", "") not in text] == []
    assert page.page.locator("vd-copy-line code").inner_text().endswith("image=sample.png seed=3 'export=[ply,html]'")
    page.page.get_by_label("Search the settings").fill("explore")
    shown = page.page.locator("vd-knob-field:visible code").all_inner_texts()
    texts = {name: f"{name} {schema.get('description', '')}".lower() for name, schema in known.items()}
    assert sorted(shown) == sorted(name for name, text in texts.items() if "explore" in text)


def test_a_change_says_which_stages_run_again_and_goes_on(tab, app):
    job = app.wait_for(app.submit().json()["id"], "done")["id"]
    page = tab()
    page.open(f"#/scene/{job}/change")
    page.page.get_by_text("Nothing would be made anew.").wait_for()
    page.page.get_by_text("Every setting").click()
    page.page.get_by_label("Search the settings").fill("stages.initialize.steps")
    page.page.get_by_label("stages.initialize.steps", exact=True).fill("2")
    page.page.keyboard.press("Tab")
    page.see("vd-go-on .stages .waiting")
    assert page.ask("[...document.querySelectorAll('vd-go-on li')].map((each) => each.className)") == [
        "kept",
        "waiting",
    ]
    page.go_on("stages.initialize.steps=2")
    assert "stages.initialize.steps=2" in app.client.get(f"/v1/jobs/{job}").json()["words"]


def test_words_from_outside_are_only_text(tab, app):
    name = "<img src=x onerror=document.title='hacked'> \"名.png"
    page = tab()
    page.open(NEW_SCENE)
    page.choose({"name": name, "mimeType": "image/png", "buffer": sample_image().read_bytes()})
    page.press("Make the scene")
    page.see(".state.done")
    assert page.ask("document.querySelectorAll('main img[src=x]').length") == 0
    assert page.ask("document.title").endswith("VistaDream")
    assert app.client.get(f"/v1/jobs/{page.job_id}").json()["input"] in page.page.locator("h1").inner_text()


def test_a_deleted_scene_is_said_to_be_gone(tab, app):
    job = app.wait_for(app.submit().json()["id"], "done")["id"]
    page = tab()
    page.expected += ("404",)
    page.open(f"#/scene/{job}")
    page.see(".state.done")
    page.until("document.querySelector('vd-run-page').follower.source?.url.endsWith('/v1/events')")
    app.client.delete(f"/v1/jobs/{job}")
    assert "not there any more" in page.see("vd-run-page > .bad").inner_text()


def test_a_whole_story_on_a_phone_stays_within_the_screen(tab):
    page = tab(**PHONE)
    page.open(NEW_SCENE)
    widths = [page.ask("document.scrollingElement.scrollWidth")]
    page.choose()
    page.see(".cards .card")
    widths.append(page.ask("document.scrollingElement.scrollWidth"))
    page.page.get_by_role("button", name="Make the scene").tap()
    page.see(".state.done")
    for name in ("Pictures", "Files", "Notes", "Scene", "Scenes"):
        page.page.get_by_role("link", name=name, exact=True).tap()
        widths.append(page.ask("document.scrollingElement.scrollWidth"))
    assert max(widths) <= PHONE["viewport"]["width"]


@pytest.mark.parametrize("device", ["Pixel 7", "iPhone 13"])
def test_a_whole_story_by_touch(device, driver, drawing_tab):
    """Of these devices the size and the touch; the browser is Chromium."""
    phone = {key: value for key, value in driver.devices[device].items() if key != "default_browser_type"}
    tab, wide = drawing_tab(**phone), phone["viewport"]["width"]

    def tap(role: str, name: str) -> None:
        tab.page.get_by_role(role, name=name, exact=True).first.tap()
        assert tab.ask("document.scrollingElement.scrollWidth") <= wide, name

    tab.open(f"#/?knobs={quote(json.dumps(SMALLEST | {'recipe': None}))}")
    tab.see(".sample").tap()
    tab.see(".cards .card")
    tap("radio", "Quick")
    tap("button", "Make the scene")
    tab.see("vd-stage-line .stages li")
    tab.see(".state.done")
    tab.see(".tools button")
    walk_by_fingers(tab)
    tap("link", "Compare")
    compare_by_finger(tab)
    tap("link", "Change")
    tab.page.get_by_text("Nothing would be made anew.").wait_for()
    tap("radio", "Thorough")
    tab.see("vd-go-on button:enabled")
    tap("button", "Go on with these")
    tab.done_with("recipe=thorough")
    tap("link", "Files")
    with tab.page.expect_download() as download:
        tap("link", "Download gaussians.ply")
    assert Path(download.value.path()).read_bytes().startswith(b"ply")
    for name in ("Pictures", "Notes", "Scenes", "New scene"):
        tap("link", name)


def middle(tab: Tab, selector: str) -> tuple[float, float]:
    """The middle of what a selector finds, once it is on the screen."""
    found = tab.see(selector)
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def walk_by_fingers(tab: Tab) -> None:
    """One finger turns the camera around the scene, two bring it closer."""
    pose = "document.querySelector('vd-scene-view').viewer.pose"
    tab.page.get_by_role("button", name="Free camera").tap()
    x, y = middle(tab, ".viewer canvas")
    tab.touch([(x + 10 * k, y) for k in range(9)])
    tab.until(f"{pose}[0][0] < 0.99")
    tab.page.get_by_role("button", name="Back to the photo").tap()
    tab.until(f"{pose}[0][0] > 0.9999 && Math.abs({pose}[2][3]) < 1e-3")
    x, y = middle(tab, ".viewer canvas")
    tab.touch(*[[(x + side * (30 + 10 * k), y) for k in range(9)] for side in (-1, 1)])
    tab.until(f"{pose}[2][3] > 0.1")
    assert tab.ask(f"{pose}[0][0]") > 0.99, "a pinch does not turn the camera"


def compare_by_finger(tab: Tab) -> None:
    x, y = middle(tab, "vd-compare-slider")
    tab.touch([(x + 8 * k, y) for k in range(9)])
    tab.until("Number(document.querySelector('vd-compare-slider input').value) > 60")


def test_a_scene_is_made_by_keys_alone(tab):
    page = tab()
    page.open(NEW_SCENE)
    page.see(".sample").focus()
    page.page.keyboard.press("Enter")
    page.see(".cards .card")
    page.page.locator("input[name=stage]:checked").focus()
    page.page.keyboard.press("ArrowRight")
    assert page.ask("document.activeElement === document.querySelector('input[name=stage]:checked')")
    page.page.keyboard.press("ArrowLeft")
    page.page.get_by_role("button", name="Make the scene").focus()
    page.page.keyboard.press("Enter")
    page.see(".state.done")


def lines_of_code(script: str) -> int:
    """Those that are neither empty nor of a comment alone."""
    without = re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)
    return sum(not line.strip().startswith("//") for line in without.splitlines() if line.strip())


def test_lines_of_code_are_counted():
    assert lines_of_code("/** a\n * b\n */\n\nlet a; // c\n// d\n  /* e */\nlet b;\n") == 2


def test_the_page_is_small_and_of_this_place_alone():
    text = {file: file.read_text() for file in SCRIPTS}
    assert max(len(text[file].splitlines()) for file in SCRIPTS if file.parent.name == "elements") < 150
    assert sum(map(lines_of_code, text.values())) <= 2000
    html = (PAGE / "index.html").read_text()
    assert re.findall(r"<script(?! type=\"importmap\")[^>]*>(.*?)</script>", html) == [""]
    assert "style=" not in html
    elsewhere = re.compile(r"https?://(?!www\.w3\.org/2000/svg)")
    assert [file.name for file, content in text.items() if elsewhere.search(content) or "innerHTML" in content] == []
