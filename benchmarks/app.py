"""How the page of the app feels: first content, first frame of a scene by its format, memory, a gallery of 2,000 runs.

Run: python benchmarks/app.py [--max-resolution 640] [--opened 40] [--runs 2000]
Prints one line of JSON. It needs playwright, Chromium and the viewer's files (vistadream download viewer). Chromium
draws by the processor. Seconds are wall time, and those of the processor in the browser; `load` says how many processes
wanted a core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
from service_load import SAMPLE, SMALLEST, Server

from vistadream.formats.files import link_or_copy
from vistadream.service.client import Client
from vistadream.service.site.files import LIB
from vistadream.service.site.viewer import DOWNLOAD, is_complete

DRAWING = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
           "--ignore-gpu-blocklist", "--enable-precise-memory-info")  # fmt: skip
FORMATS = ("gaussians.ply", "gaussians.compressed.ply", "gaussians.sog")
SEEN = ".tools button"
"""What is there when a scene is shown."""
OPEN = """
async ([url, job]) => {
  const [{ Viewer }, { PHOTO }] = await Promise.all([import("./page/viewer.js"), import("./page/pose.js")]);
  const settings = await (await fetch(`v1/gallery/${job}/viewer_settings?flight=false`)).json();
  const box = document.body.appendChild(document.createElement("div"));
  Object.assign(box.style, { position: "fixed", inset: 0 });
  const viewer = await Viewer.open(box, new URL(url, document.baseURI).href, settings, PHOTO);
  await new Promise(requestAnimationFrame);
  viewer.close();
  box.remove();
}
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
LOADED = """
[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)
"""
HEAP = "performance.memory.usedJSHeapSize / 1e6"
SCROLL = """
async (pages) => {
  let [empty, slowest, before] = [0, 0, performance.now()];
  for (let k = 0; k < pages; k++) {
    scrollBy(0, innerHeight);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    slowest = Math.max(slowest, now - before);
    before = now;
    const there = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
    if (!there?.closest(".scenes, .search")) empty++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    before = performance.now();
  }
  const cards = document.querySelectorAll("vd-scene-card").length;
  return { pages, empty, slowest_frame_ms: Math.round(slowest), cards };
}
"""


def timed(act: Callable[[], object]) -> dict[str, float]:
    """Seconds of wall time, and of the processor in the browser."""
    began_s, before_s = time.perf_counter(), browser_s()
    act()
    return {"s": round(time.perf_counter() - began_s, 2), "processor_s": round(browser_s() - before_s, 2)}


def browser_s() -> float:
    """Seconds of the processor that the browser's processes have used."""
    used_s = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            used_s += sum(process.cpu_times()[:2]) if "chrom" in process.name() else 0.0
    return used_s


def made(url: str, knobs: dict[str, Any]) -> dict[str, Any]:
    """A job that is done."""
    with Client(url) as client:
        return client.wait(client.predict(SAMPLE, knobs)["id"])


def many_runs(run: Path, folder: Path, count: int) -> None:
    """Copies of a run folder, as the command line would have left them on as many days."""
    for k in range(count):
        copy = folder / f"photo_{k:04d}" / time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(1.7e9 + 3600 * k))
        left_out = shutil.ignore_patterns("live", "seen", "events.jsonl")
        shutil.copytree(run, copy, copy_function=link_or_copy, ignore=left_out)


@contextmanager
def page_of(browser: Any, url: str, place: str = "", width: int = 1280, height: int = 800) -> Iterator[Any]:
    """A page in a browser of its own memory."""
    context = browser.new_context(locale="en-US", viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(url + place)
    yield page
    context.close()


def begin(browser: Any, url: str) -> dict[str, Any]:
    """Until there is something to see, until a photo can be chosen, and the bytes until then."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    usable = timed(lambda: (page.goto(url), page.wait_for_selector("#photo", state="attached")))
    page.wait_for_load_state("networkidle")
    found = {"first_content_s": round(page.evaluate(PAINTED), 2), "usable": usable, "bytes": page.evaluate(LOADED)}
    context.close()
    return found


def first_frames(browser: Any, url: str, job: str, folder: Path) -> dict[str, Any]:
    """Seconds in which the service makes each format, its bytes, and the least of three times until it is shown."""
    found: dict[str, Any] = {}
    with Client(url) as client, page_of(browser, url, width=640, height=480) as page:
        page.evaluate(OPEN, [f"v1/jobs/{job}/results/{FORMATS[0]}", job])  # loads the viewer
        for name in FORMATS:
            made_s = timed(lambda name=name: client.result(job, name, folder))["s"]
            show = partial(page.evaluate, OPEN, [f"v1/jobs/{job}/results/{name}", job])
            shown = min((timed(show) for _ in range(3)), key=lambda one: one["s"])
            found[name] = {"made_s": made_s, "bytes": (folder / name).stat().st_size, "shown": shown}
    return found


def heap_mb(page: Any) -> float:
    """The megabytes of JavaScript that are still in use."""
    session = page.context.new_cdp_session(page)
    for _ in range(2):  # the first collection may leave what waits for its finalizer
        session.send("HeapProfiler.collectGarbage")
    session.detach()
    return round(page.evaluate(HEAP), 1)


def opened_again(browser: Any, url: str, job: str, times: int) -> list[float]:
    """The megabytes of JavaScript after the first opened scene, after a quarter of them, and so on.

    It waits by locators: what `wait_for_selector` gives would keep the elements of each scene.
    """
    heaps = []
    with page_of(browser, url, f"#/scene/{job}", width=480, height=480) as page:
        for k in range(times):
            page.locator(SEEN).first.wait_for()
            if k in (0, times // 4, times // 2, 3 * times // 4, times - 1):
                heaps.append(heap_mb(page))
            page.evaluate("location.hash = '#/scenes'")
            page.locator("vd-scene-list").wait_for()
            page.evaluate(f"location.hash = '#/scene/{job}'")
    return heaps


def gallery(browser: Any, url: str) -> dict[str, Any]:
    """The first card of all scenes, and what is in the middle of the screen while one scrolls by whole screens."""
    with page_of(browser, url, "#/scenes") as page:
        first = timed(lambda: page.wait_for_selector("vd-scene-card"))
        again = timed(lambda: (page.reload(), page.wait_for_selector("vd-scene-card")))
        return {"first_card": first, "again": again, **page.evaluate(SCROLL, 100)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-resolution", type=int, default=640, help="640: about 300,000 Gaussians")
    parser.add_argument("--opened", type=int, default=40)
    parser.add_argument("--runs", type=int, default=2000)
    asked = parser.parse_args()
    if not is_complete(LIB):
        raise SystemExit(f"the files of the viewer are not here; wanted them: {DOWNLOAD}")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as root, import_module("playwright.sync_api").sync_playwright() as driver:
        folder, browser = Path(root), driver.chromium.launch(executable_path=program, args=DRAWING)
        service = Server(folder / "data", 1, f"gallery=[{folder / 'outputs'}]")
        url = f"http://127.0.0.1:{service.port}/"
        try:
            service.client.get("/v1/knobs", timeout=300)
            small = made(url, SMALLEST)["id"]
            large = made(url, {**SMALLEST, "max_resolution": asked.max_resolution, "stages.initialize.steps": 1})
            many_runs(folder / "data" / "jobs" / small / "run", folder / "outputs", asked.runs)
            parts: dict[str, Callable[[], Any]] = {
                "begin": lambda: begin(browser, url),
                "gaussians": lambda: large["figures"]["gaussians"],
                "formats": lambda: first_frames(browser, url, large["id"], folder),
                "heap_mb": lambda: opened_again(browser, url, small, asked.opened),
                "gallery": lambda: {"runs": asked.runs, **gallery(browser, url)},
                "load": lambda: round(os.getloadavg()[0], 1),
            }
            found: dict[str, Any] = {}
            for name, measure in parts.items():
                found[name] = measure()
                print(name, found[name], file=sys.stderr, flush=True)
        finally:
            service.end()
            browser.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
