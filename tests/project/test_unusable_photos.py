"""Photos that cannot become a scene, or only with a word of caution: one sentence for each."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vistadream.commands.main import main
from vistadream.config import compose
from vistadream.core import UserError, silent
from vistadream.ops.image.pixels import to_uint8

SIZE = (128, 96)
FOCAL_PX = 120.0
ODD_NAMES = ("a=1.png", "a=1.bmp", "Grün & blau.png", "b c.png", "[x].png")


@pytest.fixture(scope="session")
def lens(textured_boxes):
    return textured_boxes(*SIZE, FOCAL_PX)


@pytest.fixture(scope="module")
def good(tmp_path_factory, lens) -> list[Path]:
    """Photos of which a scene can be made, with names that need care."""
    folder = tmp_path_factory.mktemp("good")
    files = [folder / name for name in ODD_NAMES]
    for file, angle in zip(files, (-12.0, -6.0, 0.0, 6.0, 12.0), strict=True):
        Image.fromarray(to_uint8(lens.photograph(lens.camera_on_arc(angle)))).save(file)
    return files


def noise(folder: Path, seeds: range) -> None:
    """Pictures of spots that have nothing in common."""
    for seed in seeds:
        small = np.random.default_rng(seed).integers(0, 255, (30, 40, 3), np.uint8)
        Image.fromarray(small).resize(SIZE, Image.Resampling.BICUBIC).save(folder / f"{seed}.png")


def one(folder: Path, lens, good: list[Path]) -> None:
    shutil.copy(good[0], folder)


def copies(folder: Path, lens, good: list[Path]) -> None:
    for i in range(3):
        shutil.copy(good[0], folder / f"{i}.png")


def turned(folder: Path, lens, good: list[Path]) -> None:
    for angle in (-9, -3, 3, 9):
        rgb = lens.photograph(lens.camera_at(0, 0, 0, angle))
        Image.fromarray(to_uint8(rgb)).save(folder / f"{angle}.png")


def unrelated(folder: Path, lens, good: list[Path]) -> None:
    noise(folder, range(3))


def blurred_clip(folder: Path, lens, good: list[Path]) -> None:
    """A camera that moves and is out of focus all the time."""
    frames = [Image.open(file).filter(ImageFilter.GaussianBlur(12)) for file in good]
    frames[0].save(folder / "clip.gif", save_all=True, append_images=frames[1:], duration=500)
    (folder / "clip.gif").rename(folder.with_suffix(".gif"))
    folder.rmdir()
    folder.with_suffix(".gif").rename(folder)


def black(folder: Path, lens, good: list[Path]) -> None:
    for i in range(3):
        Image.new("RGB", SIZE).save(folder / f"{i}.png")


def missing(folder: Path, lens, good: list[Path]) -> None:
    folder.rmdir()


BAD = {
    one: "is only one picture; wanted two or more of one scene",
    copies: "it shows the same as 0",
    turned: "the camera only turned",
    unrelated: "none of the 3 photos could be registered",
    blurred_clip: "could be registered: pairs that match: 0",
    black: "it shows one flat color",
    missing: "no such input",
}


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_bad_input_is_one_sentence(make, lens, good: list[Path], tmp_path: Path, capfd) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    make(folder, lens, good)
    assert main(["multi-img", f"input={folder}", "rerun.mode=off", f"out={tmp_path / 'out'}"]) == 2
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("vistadream")]
    assert len(errors) == 1
    assert BAD[make] in errors[0]


def test_a_focal_length_that_is_wrong_by_two_is_told_and_not_used(good: list[Path], tmp_path: Path, capfd) -> None:
    words = [f"input={good[0].parent}", "stage=register", "rerun.mode=off", "export=[colmap]", f"out={tmp_path}"]
    assert main(["multi-img", *words, f"camera.focal_px={2 * FOCAL_PX}"]) == 0
    assert f"is given as {2 * FOCAL_PX:.0f} px, but the photos fit " in capfd.readouterr().out
    (summary,) = tmp_path.glob("*/*/02_register/seen/register_summary.json")
    registered = json.loads(summary.read_text())
    assert [row["used"] for row in registered["photos"]] == [True] * len(ODD_NAMES), "odd names do not matter"
    assert all(focal_px == pytest.approx(FOCAL_PX, rel=0.03) for focal_px in registered["focal_px"].values())
    assert len(set(registered["focal_px"])) == len(ODD_NAMES)


def found_in(pattern: str):
    """The registration of real photos, from the pictures alone."""
    composed = compose([f"input={pattern}", "backends/poses=sfm"], job="multi_img")
    return composed.build("backends.poses")(composed.build("source")(silent))


def test_three_photos_of_a_bedroom_that_hardly_overlap_are_one_sentence(test_data: Path) -> None:
    """About thirty matches in one of three pairs, which could also be chance."""
    with pytest.raises(
        UserError, match=r"none of the 3 photos could be registered: pairs that match: 1, .* in \d\d pl"
    ):
        found_in(f"{test_data}/bedroom")


def test_two_photos_of_an_opera_house_are_registered_and_their_focal_length_is_said_to_be_open(test_data: Path) -> None:
    """COLMAP makes no model of this pair, which has hundreds of matches."""
    found = found_in(f"{test_data}/photos/opera_house_*.jpg")
    assert len(found.cameras) == 2
    assert len(found.points) > 100
    assert float(found.points.error_px.mean()) < 1
    (remark,) = found.remarks
    assert remark.level == "warning"
    assert "two photos do not fix the focal length" in remark.text
