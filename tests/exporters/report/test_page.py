"""Laws of the report: it asks nobody for anything, escapes what it is told, and shows all that it was given."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vistadream.core import Chart, Note, Summary
from vistadream.exporters.report.page import ReportData, StageRow, write_report
from vistadream.formats.video import VideoFile

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
    (tmp_path / "views" / "deep").mkdir(parents=True)
    for name in ("a", "deep/b"):
        (tmp_path / "views" / name).write_bytes(bytes(30 * 2**20))
    return ReportData(
        title=f"room {NASTY}",
        command=f"vistadream single-img image='{NASTY}'",
        stages=[
            StageRow("load", 0.5, 400 * 2**20, 0),
            StageRow("coarse", 12.25, 3 * 2**30, 1000, peak_vram_bytes=5 * 2**30),
            StageRow("refine", 8.0, 2 * 2**30, 1200, resumed=True),
        ],
        photo=picture(0),
        result=picture(1),
        seconds={"start": 9.25, "stages": 13.5, "delivery": 6.5},
        videos={"a flight": tmp_path / "scene.mp4"},
        files=[tmp_path / "scene.mp4", tmp_path / "views"],
        images={
            "load/input/rgb": picture(2),
            "load/input/z": picture(3),
            "coarse/00/hole": MASK,
            "coarse/00/view/rgb": picture(4),
            "coarse/01/hole": MASK[:, ::-1],
            "refine/before": picture(5),
            "refine/after": picture(6),
        },
        curves={"refine/loss": [(0, 1.0), (1, 0.5), (2, 0.25)], "export/hole_ratio": [(0, 0.0), (1, 0.01)]},
        charts={"coarse/00/selection": Chart("hole ratio", (0, 1, 2), (0.1, 0.2, 0.3), (0.05, 0.25), 1)},
        notes=[
            ("load/size", Note(f"read {NASTY}")),
            ("run/depth", Note(f"careful {NASTY}", "warning")),
            ("coarse/closed", Note("all closed")),
            ("coarse/01/pose", Note("pose 41")),
        ],
        summaries={"coarse/summary": Summary("two views added", {"frames": [{"pose": 41, "hole_ratio": 0.125}]})},
        metrics={"input_psnr_db": 31.4159265, "path": {"largest": 0.25}},
        backends={"depth": ("embedded", NASTY)},
        knobs={"seed": (7, 0), "export.formats": (["ply", "spz"], ["ply"]), "resume": ("x", None)},
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
    assert [t for t in targets if not t.startswith("data:")] == ["scene.mp4", "scene.mp4", "views"]
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
    assert len(page.all("svg")) == 3
    places = [page.text.index(words) for words in ("two views added", "all closed", "frame 1", "frame 2", "pose 41")]
    assert places == sorted(places)
    assert "0.125" not in page.text, "the note of a frame says what the summary has as data"
    assert [title for title in page.titles if title in ("load", "coarse", "refine")] == ["load", "coarse", "refine"]
    for words in (
        "29.2",  # seconds of the whole run
        "start 9.2, stages 13.5, delivery 6.5",
        "12.25",
        "3.00 GiB",
        "on the card",
        "5.00 GiB",
        "400 MiB",
        "8.00 (from disk)",
        "two views added",
        "hole ratio",
        "[ply,spz]",
        "null",
        "31.416",
        "path.largest",
        "2.13",
    ):
        assert words in page.text


def test_what_was_exported_is_linked_with_its_size(page: Page, tmp_path: Path) -> None:
    targets = [attrs["href"] for attrs in page.all("a")]
    assert targets == ["scene.mp4", "scene.mp4", "views"], "below its player, and among the files"
    assert all((tmp_path / target).exists() for target in targets)
    assert "60 MiB" in page.text, "of all files in the folder"


def test_a_large_video_is_linked_instead_of_embedded(
    data: ReportData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = Page(write_report(data, tmp_path / "report.html")).all("video")[0]["src"]
    assert base64.b64decode(embedded.split(",", 1)[1]) == data.videos["a flight"].read_bytes()
    monkeypatch.setattr("vistadream.exporters.report.page.EMBED_BYTES", 10)
    (tmp_path / "pages").mkdir()
    assert Page(write_report(data, tmp_path / "pages" / "report.html")).all("video")[0]["src"] == "../scene.mp4"


def test_a_bare_run_makes_a_whole_page(tmp_path: Path) -> None:
    bare = ReportData("bare", "vistadream single-img", [StageRow("load", 0.1, 1, 0)], picture(0), picture(1))
    page = Page(write_report(bare, tmp_path / "report.html"))
    assert "All knobs at their defaults" in page.text
    assert page.all("video") == []


def test_a_file_name_that_is_not_utf8_is_shown_escaped(tmp_path: Path) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")  # as Python hands it over
    bare = ReportData("bare", f"vistadream single-img image={name}", [], picture(0), picture(1))
    assert r"image=caf\udce9.jpg" in Page(write_report(bare, tmp_path / "report.html")).text


@pytest.fixture
def sixty(data: ReportData) -> ReportData:
    """A run with 60 photos as cameras give them, with grain, as large as the record keeps them."""
    seed = np.random.default_rng(0)
    smooth = np.asarray(Image.fromarray(seed.integers(0, 256, (12, 16, 3), np.uint8)).resize((640, 480)), float)
    pictures = [(smooth + seed.normal(0, 8, smooth.shape)).clip(0, 255).astype(np.uint8) for _ in range(4)]
    kinds = {"load": ["rgb"], "initialize": ["view/rgb", "view/z", "render"]}
    images = {
        f"{stage}/photo/{i:03d}/{kind}": pictures[(i + j) % 4]
        for stage, shown in kinds.items()
        for i in range(60)
        for j, kind in enumerate(shown)
    }
    rows = [{"name": f"{i:03d}.jpg", "used": i != 7, "reason": "a copy" if i == 7 else None} for i in range(60)]
    drawing = '<svg class="plan" viewBox="0 0 9 9" aria-label="plan"></svg>'
    stages = [StageRow(name, 1.0, 2**20, 0) for name in ("load", "register", "initialize")]
    summaries = {"load/photos": Summary("59 of 60 photos are used", {"photos": rows})}
    return replace(data, stages=stages, images=images, summaries=summaries, photos=60, plan=drawing)


def test_sixty_photos_are_one_small_page(sixty: ReportData, tmp_path: Path) -> None:
    path = write_report(sixty, tmp_path / "report.html")
    page = Page(path)
    assert path.stat().st_size < 8e6
    assert len(page.all("img")) == 2 + 4 * 60
    assert all(int(attrs["width"]) <= 240 for attrs in page.all("img")[2:])
    words = ["the first of 60 photos", "59 of 60 photos are used", "007.jpg", "a copy", "color, depth, render"]
    assert [text for text in words if text not in page.text] == []
    assert "frame" not in page.text
    assert len([attrs for attrs in page.all("svg") if attrs.get("class") == "plan"]) == 1


@pytest.mark.parametrize("width_px", [390, 1280])
def test_the_photos_fill_rows_that_are_not_wider_than_the_screen(
    sixty: ReportData, width_px: int, tmp_path: Path, browser
) -> None:
    browser.open(write_report(sixty, tmp_path / "report.html"), width_px)
    assert browser.complaints == []
    assert browser.ask("document.documentElement.scrollWidth - innerWidth") <= 0
    tops = "new Set([...document.querySelectorAll('.cards figure')].map(e => e.offsetTop)).size"
    assert browser.ask(tops) <= (7 + 20 if width_px > 640 else 20 + 60)
    assert browser.ask("document.querySelector('details').open") is False


CONTRAST = """(() => {
  const linear = c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = rgb => {
    const [r, g, b] = rgb.match(/[\\d.]+/g).map(c => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = e => { while (/, 0\\)/.test(getComputedStyle(e).backgroundColor)) e = e.parentElement; return e };
  return [...document.querySelectorAll("h1, h2, h3, p, li, td, th, figcaption, pre, a, .tiles b")].map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(getComputedStyle(ground(e)).backgroundColor)];
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  })
})()"""
"""The contrast of every text with what it stands on (WCAG 2.2, 1.4.3)."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [390, 1280])
def test_it_reads_well_on_a_phone_and_in_the_dark(
    data: ReportData, width_px: int, scheme: str, tmp_path: Path, browser
) -> None:
    path = write_report(data, tmp_path / "report.html")
    browser.open(path, width_px, 900, scheme)
    assert browser.complaints == []
    assert browser.requests == [path.as_uri()]
    assert browser.ask("[...document.images].map(i => i.complete && i.naturalWidth > 0)") == [True] * (
        2 + len(data.images)
    )
    assert browser.ask("document.querySelector('video').error") is None
    assert browser.ask("document.documentElement.scrollWidth - innerWidth") <= 0, "nothing is wider than the screen"
    assert min(browser.ask(CONTRAST)) >= 4.5
    shown = browser.picture(whole_page=True)
    assert (shown[:5, :5].mean() > 128) == (scheme == "light")
    assert shown.std() > 20


ROWS = """(() => {
  const hero = document.querySelector(".hero").getBoundingClientRect(), ends = {};
  for (const figure of document.querySelectorAll(".hero > figure")) {
    const box = figure.getBoundingClientRect();
    ends[box.top] = Math.max(ends[box.top] || 0, box.right);
  }
  return Object.values(ends).map(end => hero.right - end);
})()"""
"""What each row of pictures at the top leaves empty, px."""


@pytest.mark.parametrize("width_px", [390, 800, 1280])
@pytest.mark.parametrize(("videos", "rows"), [(0, 1), (1, 1), (2, 2), (3, 2)])
def test_the_first_pictures_fill_their_rows(
    data: ReportData, videos: int, rows: int, width_px: int, tmp_path: Path, browser
) -> None:
    shown = {f"flight {i}": tmp_path / "scene.mp4" for i in range(videos)}
    browser.open(write_report(replace(data, videos=shown), tmp_path / "report.html"), width_px)
    browser.wait_for("[...document.querySelectorAll('video')].every(v => v.readyState > 0)")
    empty_px = browser.ask(ROWS)
    assert len(empty_px) == (rows if width_px > 640 else 2 + videos)
    assert max(empty_px) < 1


def test_the_slider_follows_the_arrow_keys(data: ReportData, tmp_path: Path, browser) -> None:
    browser.open(write_report(data, tmp_path / "report.html"))
    for _ in range(20):
        browser.press("Tab")
        if browser.ask("document.activeElement.type") == "range":
            break
    frame = "document.activeElement.parentElement"
    assert browser.ask(f"getComputedStyle({frame}).outlineStyle") == "solid", "one sees where one is"
    cut = f"{frame}.style.getPropertyValue('--cut')"
    browser.press("ArrowRight")
    assert browser.ask(cut) == "51%"
    browser.press("Home")
    assert browser.ask(cut) == "0%"


def test_every_picture_and_control_has_words(page: Page) -> None:
    texts = [attrs.get("alt") for attrs in page.all("img")]
    texts += [attrs.get("aria-label") for tag in ("svg", "input", "video") for attrs in page.all(tag)]
    assert all(texts)
    assert "coarse/01: hole" in texts


def test_the_same_run_gives_the_same_page(data: ReportData, tmp_path: Path) -> None:
    first, second = (write_report(replace(data), tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second
