"""The pictures of docs/app.md: the page of a service with a scene of the sample, on a desktop and on a phone.

vistadream serve port=8000 data=/tmp/pictures
python tools/page_pictures.py http://127.0.0.1:8000 docs/images
It needs playwright, Chromium and the viewer's files (vistadream download viewer).
"""

from __future__ import annotations

from vistadream.commands import guard

if __name__ == "__main__":
    guard.begin("page_pictures")  # before the packages below, which take seconds

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import tyro

from vistadream.assets import sample_image
from vistadream.core import UserError

_KNOBS = {"stage": "coarse", "max_resolution": 384}
_FLAGS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
          "--ignore-gpu-blocklist")  # fmt: skip
_DESKTOP = {"viewport": {"width": 1120, "height": 800}}
_PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
_SHOWN = ".tools button"
_LONGEST_MS = 300_000
_ASIDE = ["0.3,0,0.2,0.35,0,1", "-0.3,0,0.2,-0.35,0,1", "0,-0.2,0.3,0,0.3,1"]
"""Cameras at the border of what the photo shows, as the page writes them in its address."""


@dataclass(frozen=True)
class Arguments:
    """Draw the pictures of docs/app.md."""

    service: Annotated[str, tyro.conf.Positional]
    """http://HOST:PORT of a service that runs; a scene of the sample is made there, or its result taken."""
    folder: Annotated[Path, tyro.conf.Positional]
    """Where page.jpg, page_phone.jpg, page_compare.jpg and page_fill.jpg are written."""


def draw(asked: Arguments) -> None:
    """Makes the scene and writes the pictures."""
    try:
        sync_playwright = import_module("playwright.sync_api").sync_playwright
    except ModuleNotFoundError as error:
        raise UserError("playwright is not installed; wanted it: pip install playwright") from error
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise UserError("there is no Chromium; wanted chromium or google-chrome on PATH")
    from vistadream.service.client import Client  # of the extra serve

    with Client(asked.service) as client:
        job = client.wait(client.predict(sample_image(), _KNOBS)["id"])
    if job["state"] != "done":
        raise UserError(f"the scene was not made: {job['error']}; wanted a service that makes it")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*_FLAGS])
        view = partial(_page, browser, f"{asked.service.rstrip('/')}/#/scene/{job['id']}")
        with view("", _DESKTOP) as page:
            _take(page, asked.folder / "page.jpg")
        with view("", _PHONE) as page:
            _take(page, asked.folder / "page_phone.jpg")
        with view("/compare", _DESKTOP, shown="vd-compare-slider .right:has-text('Scene')") as page:
            _take(page, asked.folder / "page_compare.jpg")
        with view("", _DESKTOP) as page:
            for camera in _ASIDE:
                _fly(page, camera)
                page.get_by_role("button", name="Fill from here", exact=True).click()
                page.wait_for_selector(f"vd-fill-panel .cameras li:nth-child({_ASIDE.index(camera) + 1}) img")
            page.locator("vd-fill-panel").scroll_into_view_if_needed()
            _take(page, asked.folder / "page_fill.jpg")
        browser.close()


@contextmanager
def _page(browser: Any, address: str, part: str, screen: dict[str, Any], shown: str = _SHOWN) -> Iterator[Any]:
    context = browser.new_context(locale="en-US", color_scheme="light", **screen)
    page = context.new_page()
    page.set_default_timeout(_LONGEST_MS)
    page.goto(address + part)
    page.wait_for_selector(shown)
    yield page
    context.close()


def _fly(page: Any, camera: str) -> None:
    """Puts the viewer's camera somewhere and waits until it is drawn there."""
    script = """async (text) => {
      const { read } = await import("./page/pose.js");
      document.querySelector("vd-scene-view").viewer.go(read(text));
    }"""
    free = page.get_by_role("button", name="Free camera")
    if free.get_attribute("aria-pressed") == "false":
        free.click()
    page.evaluate(script, camera)
    page.wait_for_timeout(2000)  # a picture of the page has no test that it is finished


def _take(page: Any, file: Path) -> None:
    page.wait_for_timeout(3000)
    page.screenshot(path=file, type="jpeg", quality=80, animations="disabled")


if __name__ == "__main__":
    arguments = tyro.cli(Arguments, description=__doc__)
    sys.exit(guard.guarded("page_pictures", lambda: partial(draw, arguments), "the same command starts anew"))
