"""Each lesson of examples/ runs as it stands, on a small picture, and does what it says."""

import re
import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

from vistadream.formats.ply import read_ply
from vistadream.ops.image.pixels import to_uint8

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ("max_resolution=96", "recipe=quick", "stages.initialize.steps=2", "stages.coarse.n_frames=1")
QUIET = ("export.videos=[]", "export.report=false")
COUNT = re.compile(r"^([\d,]+) Gaussians", re.M)


@pytest.fixture
def lesson(tmp_path, monkeypatch, capfd):
    """Runs a lesson with knobs in an empty folder; what it and the processes that it starts print."""

    def run(name: str, *knobs: str) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *SMALL, *QUIET, *knobs])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return "".join(capfd.readouterr())

    return run


def count(printed: str) -> int:
    return int(COUNT.findall(printed)[-1].replace(",", ""))


def test_one_photo(lesson, tmp_path):
    printed = lesson("01_one_photo.py", "rerun.mode=off", "stages.coarse.steps=2")
    (ply,) = tmp_path.glob("outputs/sample/*/export/gaussians.ply")
    assert len(read_ply(ply)) == count(printed)
    assert "input: 96x72 pixels, 0% of them painted" in printed


def test_stop_and_resume(lesson):
    printed = lesson("02_stop_and_resume.py", "rerun.mode=off", "out=runs")
    assert "exit code 143" in printed
    assert "before the stop: ['01_load', '02_outpaint', '03_initialize']" in printed
    assert "after resuming: ['01_load', '02_outpaint', '03_initialize', '04_coarse']" in printed
    assert printed.count("initialize: taken from disk") == 2, "the changed knob is one of coarse"
    assert "coarse: taken from disk" not in printed


def test_own_depth_model(lesson, tmp_path):
    printed = lesson("03_own_depth_model.py", "rerun.mode=off", "stages.coarse.steps=2")
    (ply,) = tmp_path.glob("outputs/sample/*/export/gaussians.ply")
    gaussians = read_ply(ply)
    assert len(gaussians) == count(printed)
    assert float(gaussians.means[:, 2].max()) < 6, "the wall stands at 5 m"


def test_watch_over_ssh(lesson, tmp_path):
    printed = lesson("04_watch_over_ssh.py", "rerun.wait=false", "stage=no-outpaint")
    assert re.search(r"ssh (?:-N )?-L (\d+):127\.0\.0\.1:\1 ", printed)
    assert "rerun --connect rerun+http://127.0.0.1:" in printed
    assert list(tmp_path.glob("outputs/sample/*/run.rrd"))


def test_refine_a_dataset(lesson):
    printed = lesson("05_refine_a_dataset.py", "rerun.mode=off", "stages.coarse.steps=2")
    before, after = map(float, re.search(r"psnr_db: ([\d.]+) -> ([\d.]+)", printed).groups())
    assert after > before


def test_several_photos(lesson, tmp_path, textured_boxes):
    boxes, folder = textured_boxes(128, 96, 120.0), tmp_path / "my photos"
    folder.mkdir()
    for i, angle_deg in enumerate((-10, -5, 0, 5, 10)):
        rgb = boxes.photograph(boxes.camera_on_arc(angle_deg))
        Image.fromarray(to_uint8(rgb)).save(folder / f"photo_{i}.png")
    Image.new("RGB", (128, 96), "white").save(folder / "white.png")
    words = ("max_resolution=128", "rerun.mode=off", "stages.initialize.rounds=1", "stages.coarse.steps=2")
    printed = lesson("06_several_photos.py", f"input={folder}", *words)
    for i in range(5):
        assert re.search(rf"^photo_{i}: taken at \(.*\), focal length 1[12]\d px$", printed, re.M)
    assert "white.png is not used: it shows one flat color" in printed
    assert int(re.search(r"^([\d,]+) points$", printed, re.M)[1].replace(",", "")) > 200
    assert "register: taken from disk" in printed
    (ply,) = tmp_path.glob("outputs/my_photos/*/export/gaussians.ply")
    assert len(read_ply(ply)) == count(printed)
    assert (ply.parent / "colmap" / "sparse" / "0" / "points3D.bin").exists()


def test_lessons_are_short_and_shown_on_the_page():
    page = (EXAMPLES.parent / "docs" / "lessons.md").read_text()
    for file in EXAMPLES.glob("*.py"):
        assert len(file.read_text().splitlines()) <= 60, file.name
        assert f'--8<-- "examples/{file.name}"' in page
