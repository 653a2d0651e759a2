"""What people send: large, many, with any name, over a line that breaks, onto a disk that is full."""

import io
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from tests.project.namespaces import RELAY
from tests.service.conftest import Running, Start
from tests.service.page.conftest import Tab, tabs

from vistadream.assets import sample_image

LONG = "\u9577" * 83 + "\u0142.png"  # 255 bytes in UTF-8
NAMES = ['"it\'s" `$(x)`.png', "\u5eda\u623f \U0001f373.png", LONG, "<img src=x onerror=document.title='hacked'>.png"]
SLOW_BYTES_S = 2_000_000


@pytest.fixture(scope="module")
def full(start: Start) -> Running:
    """A service on a disk that is full."""
    return start("min_free_gb=1000000000", "workers=0", "drain_s=0")


def large(folder: Path, size: int) -> Path:
    """The sample, made `size` bytes long by a hole at its end, which takes no room on the disk."""
    path = Path(shutil.copy(sample_image(), folder / "large.png"))
    os.truncate(path, size)
    return path


def many(n: int) -> list[dict]:
    picture = io.BytesIO()
    Image.effect_noise((40, 30), 50).convert("RGB").save(picture, "PNG")
    names = [*NAMES, *(f"{k}.png" for k in range(n - len(NAMES)))]
    return [{"name": name, "mimeType": "image/png", "buffer": picture.getvalue()} for name in names]


def test_a_backend_says_whether_it_can_run_here_and_which_tick_it_needs(tab, idle, start: Start):
    lenient = start("min_free_gb=0", "workers=0", "drain_s=0", "allow_noncommercial=true")
    for service, tick in ((idle, 0), (lenient, 1)):
        page = tab(service)
        page.open()
        page.choose()
        page.page.get_by_text("Every setting").click()
        page.page.get_by_label("Search the settings").fill("noncommercial")
        accepts = page.page.get_by_label("accept_noncommercial", exact=True)
        page.until("!!document.querySelector('vd-knob-list .count')")
        assert accepts.count() == tick
        if tick:
            accepts.check()
            assert (
                "accept_noncommercial=true" in page.see("vd-choose-panel details.more > vd-copy-line code").inner_text()
            )
        page.page.get_by_label("Search the settings").fill("backends/outpaint")
        lines = {
            line.split(" · ")[0]: line
            for line in page.see("vd-knob-field:not([hidden]) .licenses").inner_text().split("\n")
        }
        for each in service.client.get("/v1/backends").json()["backends"]:
            if each["role"] == "outpaint":
                line = lines[each["name"]]
                assert all(what in line for what in each["lacks"])
                assert ("can run here" in line) == (not each["lacks"])
                assert ("commercial use" in line) == (not each["commercial"])
                assert ("tick accept_noncommercial" in line) == (tick == 1 and not each["commercial"])


def test_a_hundred_photos_with_any_names_become_a_hundred_scenes(tab, idle):
    assert len(LONG.encode()) == 255
    page = tab(idle)
    page.open()
    page.choose(*many(100))
    page.press("Make the scene")
    page.see(".scenes li:nth-child(50)")
    page.page.mouse.wheel(0, 100_000)
    page.see(".scenes li:nth-child(100)")
    assert page.ask("document.querySelectorAll('main img[src=x]').length") == 0
    assert page.ask("document.title").endswith("VistaDream")
    jobs = idle.client.get("/v1/jobs", params={"limit": 500}).json()["jobs"]
    assert sum(job["state"] == "queued" for job in jobs) == 100


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_of_any_name_becomes_a_scene_that_shows_it_as_text(name, tab, idle):
    page = tab(idle)
    page.open()
    page.choose({"name": name, "mimeType": "image/png", "buffer": sample_image().read_bytes()})
    assert name in page.see("figcaption").inner_text()
    page.press("Make the scene")
    page.see(".state.queued")
    assert idle.client.get(f"/v1/jobs/{page.job_id}").json()["input"] in page.page.locator("h1").inner_text()
    assert page.ask("[document.querySelectorAll('main img[src=x]').length, document.title === 'hacked']") == [0, False]


def test_two_hundred_megabytes_are_sent_with_their_progress_and_held_in_no_memory(tab, idle, tmp_path):
    service = psutil.Process(idle.process.pid)
    page, before = tab(idle), service.memory_info().rss
    page.open()
    page.choose(large(tmp_path, 200_000_000))
    page.press("Make the scene")
    page.see("progress", 10)
    page.see(".state.queued")
    assert service.memory_info().rss < before + 60e6
    kept = idle.data / "jobs" / page.job_id / "input" / "large.png"
    assert kept.stat().st_size == 200_000_000


def test_a_full_disk_is_said_and_the_photo_stays(tab, full):
    page = tab(full)
    page.expected += ("507",)
    page.open()
    page.choose()
    page.press("Make the scene")
    assert "free" in page.see(".said .bad").inner_text()
    assert page.page.get_by_role("button", name="Make the scene").is_enabled()


class Line:
    """The only way to a service, which can be cut."""

    def __init__(self, service: Running, port: int):
        self._service, self.port = service, port
        self.join()

    def join(self) -> None:
        words = f"{RELAY} {self.port} {self._service.client.base_url.port}".split()
        self._relay = subprocess.Popen(words, start_new_session=True)
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return

    def cut(self) -> None:
        self._relay.kill()
        self._relay.wait()


@pytest.fixture
def line(idle: Running, free_port: Callable[[], int]) -> Iterator[Line]:
    line = Line(idle, free_port())
    yield line
    line.cut()


@pytest.fixture
def far(chromium: Any, line: Line) -> Iterator[Tab]:
    """A page at the other end of the line, from which uploads are slow."""
    opened = tabs(chromium, f"http://127.0.0.1:{line.port}/")
    page = next(opened)()
    network = page.page.context.new_cdp_session(page.page)
    network.send("Network.enable")
    speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW_BYTES_S}
    network.send("Network.emulateNetworkConditions", {"offline": False, **speed})
    yield page
    with suppress(StopIteration):
        next(opened)


def test_an_upload_that_breaks_goes_on_as_the_same_scene(far, line, idle, tmp_path):
    far.expected += ("ERR_",)
    far.open()
    far.choose(large(tmp_path, 8_000_000))
    before = len(idle.client.get("/v1/jobs", params={"limit": 500}).json()["jobs"])
    far.press("Make the scene")
    far.until("document.querySelector('progress').value > 0.2")
    line.cut()
    assert "nothing is made twice" in far.see(".said .bad").inner_text()
    line.join()
    far.press("Make the scene")
    far.see(".state.queued")
    assert len(idle.client.get("/v1/jobs", params={"limit": 500}).json()["jobs"]) == before + 1
