"""Laws of the report: it asks nobody for anything, escapes what it is told, and shows all that it was given."""

import base64
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vistadream.core import Chart, Note, Summary
from vistadream.exporters import report
from vistadream.exporters.report import ReportData, StageRow, write_report
from vistadream.exporters.video import VideoFile

NASTY = """<script>alert('x')</script> & "quoted" $body"""
VOID = {"meta", "link", "img", "input", "line", "rect", "circle", "polyline", "br"}


class Page(HTMLParser):
    """A page's tags, texts and attributes; fails on tags that do not nest."""

    def __init__(self, path: Path):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.titles: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open[-1:] == ["h2"]:
            self.titles.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attrs for name, attrs in self.tags if name == tag]


def picture(seed: int, height: int = 30, width: int = 40) -> np.ndarray:
    v, u = np.mgrid[0:height, 0:width]
    return np.stack([(u * 5 + seed * 40) % 256, v * 8, np.full_like(u, seed * 30)], -1).astype(np.uint8)


MASK = np.where(np.arange(40)[None, :, None] > 20, 255, np.zeros((30, 1, 3))).astype(np.uint8)


@pytest.fixture
def data(tmp_path: Path) -> ReportData:
    with VideoFile(tmp_path / "scene.mp4") as video:
        for i in range(4):
            video(picture(i))
    return ReportData(
        title=f"room {NASTY}",
        command=f"vistadream single-img image='{NASTY}'",
        stages=[
            StageRow("load", 0.5, 400 * 2**20, 0),
            StageRow("coarse", 12.25, 3 * 2**30, 1000),
            StageRow("refine", 8.0, 2 * 2**30, 1200, resumed=True),
        ],
        photo=picture(0),
        result=picture(1),
        videos={"a flight": tmp_path / "scene.mp4"},
        images={
            "load/input/rgb": picture(2),
            "load/input/z": picture(3),
            "coarse/00/hole": MASK,
            "coarse/00/view/rgb": picture(4),
            "coarse/01/hole": MASK[:, ::-1],
            "refine/before": picture(5),
            "refine/after": picture(6),
        },
        curves={"refine/loss": [(0, 1.0), (1, 0.5), (2, 0.25)]},
        charts={"coarse/00/selection": Chart("hole ratio", (0, 1, 2), (0.1, 0.2, 0.3), (0.05, 0.25), 1)},
        notes=[("load/size", Note(f"read {NASTY}")), ("run/depth", Note(f"careful {NASTY}", "warning"))],
        summaries={"coarse/summary": Summary("two views added", {})},
        metrics={"input_psnr_db": 31.4159265, "path": {"largest": 0.25}},
        backends={"depth": ("embedded", NASTY)},
        knobs={"seed": (7, 0)},
        environment={"python": "3.11", "versions": {"torch": "2.13"}},
    )


@pytest.fixture
def page(data: ReportData, tmp_path: Path) -> Page:
    return Page(write_report(data, tmp_path / "report.html"))


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def test_nothing_is_asked_of_another_machine(page: Page, tmp_path: Path) -> None:
    targets = [attrs[k] for _, attrs in page.tags for k in ("src", "href", "poster", "srcset") if k in attrs]
    assert len(targets) > 8
    assert [t for t in targets if not t.startswith("data:")] == ["scene.mp4"]
    style = re.search(r"<style>(.*)</style>", (tmp_path / "report.html").read_text(), re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_every_text_is_escaped(page: Page) -> None:
    assert len(page.all("script")) == 1
    assert page.text.count(NASTY) == 6  # title twice, command, note, warning, backend


def test_every_picture_is_shown_once_with_its_own_pixels(page: Page, data: ReportData) -> None:
    shown = [decoded(attrs["src"]) for attrs in page.all("img")]
    wanted = [data.photo, data.result, *data.images.values()]
    assert len(shown) == len(wanted)
    arrays = [np.asarray(image.convert("RGB")).astype(float) for image in shown]
    for expected in wanted:
        nearest = min(np.abs(array - expected).mean() for array in arrays)
        assert nearest < 4
    masks = [np.asarray(image.convert("RGB")) for image in shown if image.format == "PNG"]
    assert any((mask == MASK).all() for mask in masks)


def test_before_and_after_share_a_slider(page: Page) -> None:
    sliders = [attrs for attrs in page.all("figure") if attrs.get("class") == "slider"]
    assert len(sliders) == len(page.all("input")) == 1


def test_stages_costs_curves_and_choices_are_all_there(page: Page) -> None:
    assert len(page.all("svg")) == 2
    places = [page.text.index(words) for words in ("two views added", "frame 1", "frame 2")]
    assert places == sorted(places)
    assert [title for title in page.titles if title in ("load", "coarse", "refine")] == ["load", "coarse", "refine"]
    for words in (
        "12.25",
        "3.00 GiB",
        "400 MiB",
        "8.00 (from disk)",
        "two views added",
        "31.416",
        "path.largest",
        "2.13",
    ):
        assert words in page.text


def test_a_large_video_is_linked_instead_of_embedded(
    data: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = Page(write_report(data, tmp_path / "report.html")).all("video")[0]["src"]
    assert base64.b64decode(embedded.split(",", 1)[1]) == data.videos["a flight"].read_bytes()
    monkeypatch.setattr(report, "EMBED_BYTES", 10)
    (tmp_path / "pages").mkdir()
    assert Page(write_report(data, tmp_path / "pages" / "report.html")).all("video")[0]["src"] == "../scene.mp4"


def test_a_bare_run_makes_a_whole_page(tmp_path: Path) -> None:
    bare = ReportData("bare", "vistadream single-img", [StageRow("load", 0.1, 1, 0)], picture(0), picture(1))
    page = Page(write_report(bare, tmp_path / "report.html"))
    assert "All knobs at their defaults" in page.text
    assert page.all("video") == []


PROBE = """<script>
const faults = [];
addEventListener("error", event => faults.push(String(event.message || event.target.tagName)), true);
addEventListener("load", () => {
  const handle = document.querySelector(".slider input");
  handle.value = 20;
  handle.dispatchEvent(new Event("input"));
  const told = {
    faults,
    requests: performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith("data:")),
    images: [...document.images].map(i => i.complete && i.naturalWidth > 0),
    video: document.querySelector("video").error === null,
    overflow: document.documentElement.scrollWidth - innerWidth,
    cut: handle.parentNode.style.getPropertyValue("--cut"),
  };
  document.title = JSON.stringify(told);
});
</script>"""


@pytest.mark.parametrize("width_px", [390, 1200])
def test_it_opens_in_a_browser(data: ReportData, width_px: int, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    path = write_report(data, tmp_path / "report.html")
    path.write_text(path.read_text().replace("<head>", f"<head>{PROBE}", 1))
    command = [
        *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width_px},900", "--virtual-time-budget=3000"),
        *("--dump-dom", path.as_uri()),
    ]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    title = re.search(r"<title>(.*?)</title>", dom, re.S).group(1)
    told = json.loads(title.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    assert told["faults"] == told["requests"] == []
    assert told["images"] == [True] * (2 + len(data.images))
    assert told["video"]
    assert told["overflow"] <= 0
    assert told["cut"] == "20%"


def test_the_same_run_gives_the_same_page(data: ReportData, tmp_path: Path) -> None:
    first, second = (write_report(replace(data), tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second
