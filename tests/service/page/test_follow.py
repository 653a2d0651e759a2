"""The page follows a run whatever breaks: reloads, a killed service, a key that ends, a wrong clock, another tab."""

import random
import re
import signal
import threading

import pytest
from tests.service.conftest import Start
from tests.service.page.conftest import Replay, Tab, with_keys

RECORD = """
window.taken = [];
const define = customElements.define.bind(customElements);
customElements.define = (name, element) => {
  if (name === "vd-run-page") {
    const heard = element.prototype.heard;
    element.prototype.heard = function (lines) {
      window.taken.push(...lines.map((line) => line.seq));
      return heard.call(this, lines);
    };
  }
  define(name, element);
};
"""
"""Keeps the number of each line that the page takes."""
STATE = """(({job, ...rest}) =>
  JSON.stringify([job.state, rest], (key, value) => value instanceof Map ? [...value] : value))(
  document.querySelector("vd-run-page").run)"""
"""All that the page knows of a run."""
RELOADS, KILLS = 20, 5
SKEW = """
const skew = %d * 86400e3, Real = Date;
window.Date = class extends Real {
  constructor(...given) { given.length ? super(...given) : super(Real.now() + skew); }
  static now() { return Real.now() + skew; }
};
"""
"""A browser whose clock is some days off."""


class Lines:
    """Lines that come at random moments, in a thread of their own, until they are enough."""

    def __init__(self, job: Replay):
        self._job, self._enough = job, threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        chance = random.Random(1)
        while not self._enough.wait(chance.uniform(0, 0.2)):
            self._job.write(chance.randint(1, 4))

    def end(self) -> None:
        self._enough.set()
        self._thread.join()
        self._job.end()


def taken(tab: Tab) -> list[int]:
    """The numbers of the lines since the last load of the page: each once, in order, from the first on."""
    numbers = tab.ask("window.taken")
    assert numbers == list(range(1, len(numbers) + 1))
    return numbers


def test_no_line_is_lost_or_doubled_by_twenty_reloads_and_five_kills(tab, start: Start, replay):
    service = start("min_free_gb=0", "workers=0", "drain_s=0")
    job, port = replay(service), str(service.client.base_url.port)
    page = tab(service)
    page.expected += ("Failed to load resource", "ERR_")
    page.page.add_init_script(RECORD)
    page.open(f"#/scene/{job.id}/notes")
    chance, lines = random.Random(2), Lines(job)
    acts = ["reload"] * RELOADS + ["kill"] * (KILLS - 1)
    chance.shuffle(acts)
    for act in [*acts, "kill"]:
        page.page.wait_for_timeout(1000 * chance.uniform(0, 0.6))
        before = len(taken(page))
        if act == "reload":
            page.page.reload()
            continue
        service.stop(signal.SIGKILL)
        page.see(".away:not(:empty)")
        service = start("min_free_gb=0", "workers=0", "drain_s=0", data=service.data, port=port)
        page.until(f"window.taken.length > {before}")
    lines.end()
    page.see(".state.done")
    page.until(f"window.taken.length >= {job.written}")
    assert len(taken(page)) == job.written > 200
    assert page.page.locator(".away").inner_text() == ""
    other = tab(service)
    other.open(f"#/scene/{job.id}/notes")
    other.until(f"document.querySelector('vd-run-page')?.run.lastSeq === {job.written}")
    assert other.ask(STATE) == page.ask(STATE)


def test_a_key_that_ends_while_somebody_watches_is_said(tab, start: Start):
    service = start("min_free_gb=0", "workers=0", "drain_s=0")
    keys = with_keys(service)
    key = keys.add("alice")
    service.client.headers["Authorization"] = f"Bearer {key.text}"
    id = service.submit().json()["id"]
    page = tab(service)
    page.expected += ("401",)
    page.open(f"#/scene/{id}")
    page.page.get_by_label("Key or token").fill(key.text)
    page.press("Sign in")
    page.see(".state.queued")
    keys.revoke(key.row.id)
    assert "sign in" in page.see("vd-run-page > .bad").inner_text()


def test_a_last_key_that_ends_while_somebody_watches_is_said(tab, start: Start):
    service = start("min_free_gb=0", "workers=0", "drain_s=0")
    keys = with_keys(service)
    key = keys.add("alice")
    (first,) = [row for row in keys.listed() if row.id != key.row.id]
    keys.revoke(first.id)
    id = service.submit(headers={"Authorization": f"Bearer {key.text}"}).json()["id"]
    page = tab(service)
    page.expected += ("401", "404")
    page.open(f"#/scene/{id}")
    page.page.get_by_label("Key or token").fill(key.text)
    page.press("Sign in")
    page.see(".state.queued")
    keys.revoke(key.row.id)  # from now on whoever can connect is let in, and has no scene
    assert "not signed in any more" in page.see("vd-run-page > .bad").inner_text()


@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_that_is_days_off_changes_nothing(days, tab, idle, replay):
    job = replay(idle)
    job.write(6)
    page = tab(idle)
    page.page.add_init_script(SKEW % days)
    page.open(f"#/scene/{job.id}")
    page.see("vd-stage-line .stages li")
    shown = page.page.locator("main").inner_text()
    job.end()
    page.see(".state.done")
    page.page.get_by_role("link", name="Scenes", exact=True).click()
    card = page.see(f"[data-id='{job.id}']")
    card.get_by_role("button", name="Remove").click()
    card.get_by_role("button", name="Undo").click()
    page.see(f"[data-id='{job.id}'] .state.done")
    assert not re.search(r"-\d|\d\d h|day", shown), shown


def test_of_two_tabs_that_go_on_with_one_run_one_wins_and_the_other_is_told(tab, idle):
    id = idle.submit().json()["id"]
    idle.client.post(f"/v1/jobs/{id}/cancel")
    tabs = [tab(idle), tab(idle)]
    tabs[1].expected += ("409",)
    for page in tabs:
        page.open(f"#/scene/{id}/change")
        page.page.get_by_text("Every setting").click()
        page.page.get_by_label("Search the settings").fill("stages.initialize.steps")
        page.page.get_by_label("stages.initialize.steps", exact=True).fill("2")
        page.page.keyboard.press("Tab")
        page.until("!document.querySelector('vd-go-on button').disabled")
    held: list = []
    tabs[1].page.route("**/resume", lambda route: held.append(route))
    with tabs[1].page.expect_request("**/resume"):
        tabs[1].press("Go on with these")
    tabs[0].press("Go on with these")
    tabs[0].see(".state.queued")
    with tabs[1].page.expect_response("**/resume") as answer:
        held[0].continue_()
    assert answer.value.status == 409
    tabs[1].see(".state.queued")
    assert "ended" in tabs[1].page.locator(".run-body").inner_text()
