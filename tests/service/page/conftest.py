"""A real Chromium on the page of a real service, in which nothing may go wrong unseen."""

import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from tests.service.conftest import SMALLEST, Running, Start, services

from vistadream.assets import sample_image
from vistadream.service.access.keys import Keys
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store
from vistadream.service.site.files import LIB
from vistadream.service.site.viewer import DOWNLOAD, is_complete

FLAGS = ("--no-sandbox", "--disable-background-networking")
DRAWING = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
WITHOUT_DRAWING = ("--disable-3d-apis",)
"""Most tests are about other things than the viewer, which draws on the processor here."""
NEW_SCENE = f"#/?knobs={quote(json.dumps(SMALLEST))}"
"""The page for a new scene with the knobs of the smallest job."""
LONGEST_S = 240
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@dataclass
class Tab:
    """One page of the browser."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    """What was thrown, or logged as an error."""
    requests: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ("503 (Service Unavailable)",)  # of a service that starts, and is asked again
    """Parts of complaints that a test asks for."""

    def open(self, place: str = "") -> None:
        self.page.goto(self.address + place)

    def choose(self, *pictures: Any) -> None:
        """Chooses files as a person does, the sample if none is given."""
        self.page.set_input_files("#photo", list(pictures) or [sample_image()])

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def free_camera(self) -> None:
        """Lets the camera of the viewer go everywhere."""
        self.press("Free camera")
        assert self.page.locator("[aria-pressed='true']:text-is('Free camera')").count() == 1

    def see(self, selector: str, seconds: float = LONGEST_S) -> Any:
        self.page.wait_for_selector(selector, timeout=1000 * seconds)
        return self.page.locator(selector)

    def ask(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def until(self, expression: str) -> None:
        """Waits for an expression to be true; playwright's own way is a script that the policy of the page forbids."""
        end = time.monotonic() + LONGEST_S
        while not self.ask(expression):
            assert time.monotonic() < end, expression
            self.page.wait_for_timeout(100)

    def touch(self, *paths: list[tuple[float, float]]) -> None:
        """Fingers that go along paths of the same length together, from the first point to the last, and leave."""
        fingers = self.page.context.new_cdp_session(self.page)
        for k, points in enumerate(zip(*paths, strict=True)):
            at = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
            kind = "touchMove" if k else "touchStart"
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
            self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        fingers.detach()

    def go_on(self, word: str) -> None:
        """Goes on with what was changed, until that is done."""
        self.press("Go on with these")
        self.done_with(word)

    def done_with(self, word: str) -> None:
        """Waits until the run that has this word is done, however short it was."""
        job = "document.querySelector('vd-run-page').run.job"
        self.until(f"{job}.words.includes({json.dumps(word)}) && {job}.state === 'done'")

    @property
    def job_id(self) -> str:
        return self.page.url.split("#/scene/")[1].split("/")[0]

    def check(self) -> None:
        """Nothing went wrong, and no other host was asked for anything."""
        odd = [one for one in self.complaints if not any(part in one for part in self.expected)]
        assert odd == []
        hosts = {urlsplit(url).netloc for url in self.requests if not url.startswith(("blob:", "data:"))}
        assert hosts == {urlsplit(self.address).netloc}


def with_keys(service: Running) -> Keys:
    """The keys of a service, which has one from now on and lets nobody in without: it knows so a second later."""
    keys = Keys(Store(database_url(service.data)).database)
    keys.add("first")
    end = time.monotonic() + LONGEST_S
    while httpx.get(f"{service.client.base_url}/v1/jobs", trust_env=False).status_code != 401:
        assert time.monotonic() < end
        time.sleep(0.1)
    return keys


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """Playwright; skipped where it is not installed. While it runs, no other loop of asyncio does in this thread."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright, of the extra `ci`, is not installed")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser_program() -> str:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("chromium is not installed")
    return program


@pytest.fixture(scope="module")
def launch(driver: Any, browser_program: str) -> Callable[..., Any]:
    """Starts a Chromium."""
    return lambda *flags, program=browser_program: driver.chromium.launch(
        executable_path=str(program), args=[*FLAGS, *flags]
    )


@pytest.fixture(scope="module")
def chromium(launch: Callable[..., Any]) -> Iterator[Any]:
    """A browser that cannot draw in three dimensions."""
    browser = launch(*WITHOUT_DRAWING)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def drawing_chromium(launch: Callable[..., Any]) -> Iterator[Any]:
    """A browser that can."""
    if not is_complete(LIB):
        pytest.skip(f"the files of the viewer are not here: {DOWNLOAD}")
    browser = launch(*DRAWING)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Running]:
    """A service with one worker, which all tests of the page share."""
    with services(tmp_path_factory, free_port) as start:
        running = start("min_free_gb=0", "drain_s=0")
        running.client.get("/v1/knobs", timeout=300)  # made once for a version of the program
        yield running


@pytest.fixture(scope="session")
def done(app: Running) -> str:
    """The id of a job that is done, with the smallest scene. No test changes it."""
    return app.wait_for(app.submit().json()["id"], "done")["id"]


@pytest.fixture(scope="session")
def job(app: Running) -> str:
    """The id of a job that is done, with a scene of 128 px. No test changes it."""
    answer = app.submit({"max_resolution": 128, "stages.initialize.steps": 20})
    return app.wait_for(answer.json()["id"], "done")["id"]


@pytest.fixture(scope="session")
def explored(app: Running) -> str:
    """The id of a job that is done, with a scene of 96 px that was explored. No test changes it."""
    answer = app.submit({"stage": "coarse", "max_resolution": 96, "stages.coarse.n_frames": 1})
    return app.wait_for(answer.json()["id"], "done")["id"]


@pytest.fixture(scope="module")
def idle(start: Start) -> Running:
    """A service whose jobs wait, for a file of tests."""
    return start("min_free_gb=0", "workers=0", "drain_s=0")


class Replay:
    """A job that runs nowhere: the test writes the lines of a real run, again and again, when it wants them to come."""

    def __init__(self, service: Running, real: Path):
        self.id = service.submit().json()["id"]
        self._store, self._run = Store(database_url(service.data)), service.data / "jobs" / self.id / "run"
        self._attempt = self._store.begin(self.id, "a test").attempt
        shutil.copytree(real, self._run, ignore=shutil.ignore_patterns("events.jsonl", "lock"), dirs_exist_ok=True)
        self._lines = itertools.cycle(map(json.loads, (real / "events.jsonl").read_text().splitlines()))
        self.written = 0

    def write(self, n: int = 1) -> None:
        with (self._run / "events.jsonl").open("a") as stream:
            for line in itertools.islice(self._lines, n):
                self.written += 1
                stream.write(json.dumps(line | {"seq": self.written}) + "\n")

    def end(self) -> None:
        self._store.finish(self.id, self._attempt, "done")
        self._store.close()


@pytest.fixture
def replay(app: Running, done: str) -> Callable[[Running], Replay]:
    """Begins a job of a service whose jobs wait."""
    return lambda service: Replay(service, app.data / "jobs" / done / "run")


@pytest.fixture
def tab(chromium: Any, app: Running) -> Iterator[Callable[..., Tab]]:
    """Opens pages of the app, or of another service; what went wrong in them fails the test."""
    yield from tabs(chromium, str(app.client.base_url))


@pytest.fixture
def drawing_tab(drawing_chromium: Any, app: Running) -> Iterator[Callable[..., Tab]]:
    """The same in a browser in which scenes can be seen."""
    yield from tabs(drawing_chromium, str(app.client.base_url))


def tabs(browser: Any, address: str) -> Iterator[Callable[..., Tab]]:
    """Opens pages at an address, or of another service; closes them in the end, and looks at what went wrong."""
    opened: list[Tab] = []

    def open_tab(service: Running | None = None, **context: Any) -> Tab:
        page = browser.new_context(**({"locale": "en-US"} | context)).new_page()
        page.set_default_timeout(1000 * LONGEST_S)
        found = Tab(page, str(service.client.base_url) if service else address)
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("console", lambda said: found.complaints.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: found.requests.append(request.url))
        opened.append(found)
        return found

    yield open_tab
    for each in opened:
        each.page.context.close()
    for each in opened:
        each.check()
