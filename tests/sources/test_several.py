"""A folder, a list or a pattern of pictures becomes Views, and each picture that is not used has its reason."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vistadream.core import UserError, is_plain_name, silent
from vistadream.runs.inputs import Inputs
from vistadream.stages.load import Load


def test_a_folder_is_read_in_natural_order(tmp_path: Path, folder_of, source, heard) -> None:
    folder = folder_of(tmp_path / "trip", "img10.png", "img2.png", "img1.png")
    (folder / "notes.txt").write_text("no picture")
    folder_of(folder / "more", "img3.png")
    assert heard.of(source(folder)).names == ["img1", "img2", "img10"]
    assert source(folder).name == "trip"
    assert [path.name for path in source(folder).inputs()] == ["img1.png", "img2.png", "img10.png"]


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ("trip/*.png", "trip"),
        ("trip/images", "trip"),
        ("trip/a b.mp4", "a b"),
        ("[trip/x.1.png,trip/y.png]", "x.1"),
        ("trip/transforms.json", "trip"),
        ("trip.2024", "trip.2024"),
    ],
)
def test_the_name_comes_from_the_words(tmp_path: Path, named: str, name: str, source, monkeypatch) -> None:
    (tmp_path / "trip.2024").mkdir()
    monkeypatch.chdir(tmp_path)
    assert source(named).name == name


def test_each_photo_is_a_view_that_waits_for_its_pose(tmp_path: Path, photo, folder_of, source) -> None:
    for view in source(folder_of(tmp_path, "a.png", "b.png"), max_resolution=160)(silent):
        assert (view.origin, view.pose_known, view.focal_known, view.z) == ("photo", False, False, None)
        assert bool(view.supervise.all())
        assert bool(view.lift.all())
        assert not bool(view.generated.any())
        assert torch.equal(view.camera.cam_from_world, torch.eye(4))
    assert torch.equal((view.rgb * 255).round().byte(), torch.from_numpy(np.array(photo(20))))


def test_a_list_keeps_its_order_and_a_pattern_is_in_natural_order(tmp_path: Path, folder_of, source) -> None:
    folder = folder_of(tmp_path, "img10.png", "img2.png", "x.png", "a,b.png")

    def names(named) -> list[str]:
        return [view.name for view in source(named)(silent)]

    assert names(f"{folder}/x.png,{folder}/img2.png") == ["x", "img2"]
    assert names(f"[{folder}/x.png, '{folder}/img2.png']") == ["x", "img2"]
    assert names([folder / "x.png", f"{folder}/img2.png"]) == ["x", "img2"]
    assert names(f"{folder}/a,b.png,{folder}/x.png") == ["a_b", "x"]
    assert names(f"{folder}/img*.png") == ["img2", "img10"]


def test_any_file_name_gives_a_plain_unique_name(tmp_path: Path, folder_of, heard, source) -> None:
    odd = [
        "a b=c.png",
        "a b=c.jpg",
        "Grüße, 2.png",
        "日本.png",
        "A_B_C.webp",
        "coarse_000.png",
        "${x}.png",
        "input.png",
    ]
    names = heard.of(source(folder_of(tmp_path, *odd))).names
    assert len({name.casefold() for name in names}) == len(odd)
    assert all(is_plain_name(name) and name.isascii() for name in names)
    assert {"Grue_2", "photo", "photo_coarse_000", "x"} < set(names)
    assert {each["name"] for each in heard.photos} == set(odd)


def test_mixed_sizes_turns_and_lenses(tmp_path: Path, photo, source, heard) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8769] = {0xA405: 36}
    photo(0).save(tmp_path / "1.jpg", exif=exif)
    photo(20, (320, 240)).save(tmp_path / "2.png")
    turned, large = heard.of(source(tmp_path)).views
    assert (turned.camera.width, turned.camera.height, turned.focal_known) == (96, 128, True)
    assert turned.camera.fx == pytest.approx(128)
    assert (large.camera.width, large.camera.height, large.focal_known) == (128, 96, False)
    assert [each["size"] for each in heard.photos] == [(120, 160), (320, 240)]
    assert [each["focal_px"] for each in heard.photos] == pytest.approx([160, 160 / np.tan(np.radians(30))])
    assert "EXIF" in heard.photos[0]["focal_from"]
    assert [view.camera.fx for view in source(tmp_path, focal_px=200.0)(silent)] == pytest.approx([160, 80])


@pytest.mark.parametrize("mask", ["masks/a.png", "masks/a.jpg.png", "a.jpg.png", "../masks/a.png"])
def test_black_pixels_of_a_mask_are_ignored(tmp_path: Path, mask: str, folder_of, source) -> None:
    folder = folder_of(tmp_path / "images", "a.jpg", "b.jpg")
    (folder / mask).parent.mkdir(exist_ok=True)
    levels = np.full((120, 160), 255, np.uint8)
    levels[:, :80] = 0
    Image.fromarray(levels).save(folder / mask)
    a, b = source(folder)(silent)
    assert not bool(a.supervise[:, :64].any())
    assert bool(a.supervise[:, 64:].all())
    assert torch.equal(a.supervise, a.lift)
    assert bool(b.supervise.all())
    assert any(file.samefile(folder / mask) for file in source(folder).inputs())
    Image.fromarray(levels[:60]).save(folder / mask)
    with pytest.raises(UserError, match="mask is 160x60; wanted"):
        source(folder)(silent)


def test_copies_blurred_flat_and_damaged_pictures_are_left_out(tmp_path: Path, photo, folder_of, source, heard) -> None:
    folder = folder_of(tmp_path, *(f"{i}.png" for i in range(8)))
    photo(20).save(folder / "1b.png")
    photo(60, blur=4).save(folder / "3.png")
    Image.new("RGB", (160, 120)).save(folder / "5.png")
    (folder / "6.png").write_bytes((folder / "6.png").read_bytes()[:300])
    assert heard.of(source(folder)).names == ["0", "1", "2", "4", "7"]
    assert list(heard.reasons) == ["1b.png", "3.png", "5.png", "6.png"]
    same, blurred, flat, damaged = heard.reasons.values()
    assert same == "it shows the same as 1.png"
    assert "blurred" in blurred
    assert "one flat color" in flat
    assert "damaged or truncated" in damaged
    for name, reason in heard.reasons.items():
        assert f"{name} is not used: {reason}" in heard.lines
    assert [each["view"] for each in heard.photos if each["used"]] == heard.names


def test_more_than_max_views_are_thinned_evenly(tmp_path: Path, folder_of, source, heard) -> None:
    folder = folder_of(tmp_path, *(f"{i}.png" for i in range(40)))
    numbers = list(map(int, heard.of(source(folder, max_views=5)).names))
    assert len(numbers) == 5
    assert max(np.diff([-4, *numbers, 44])) < 17
    assert len(source(folder, max_views=5).inputs()) == 20
    assert sum("max_views is 5" in line for line in heard.lines) == 1
    assert any(line.startswith("40 pictures are more than can be used") for line in heard.lines)


def test_of_thousands_of_pictures_only_a_part_is_opened(tmp_path: Path, folder_of, source, heard) -> None:
    folder = folder_of(tmp_path, *(f"{i:04}.jpg" for i in range(8)))
    for i in range(8, 5000):
        os.link(folder / f"{i % 8:04}.jpg", folder / f"{i:04}.jpg")
    few = source(folder, max_views=3)
    assert len(heard.of(few).names) == 3
    assert len(heard.photos) == len(few.inputs()) == 12


def test_a_flood_of_reasons_is_cut(tmp_path: Path, folder_of, source, heard) -> None:
    folder = folder_of(tmp_path, *(f"{i}.png" for i in range(30)), step=0)
    folder_of(tmp_path, "x.png", "y.png", step=40)
    heard.of(source(folder))
    assert len(heard.reasons) == 30
    assert sum(" is not used: " in line for line in heard.lines) == 20
    assert any(line.startswith("10 more are not used") for line in heard.lines)


def test_depth_maps_among_the_pictures_are_left_out(tmp_path: Path, folder_of, source, heard) -> None:
    folder = folder_of(tmp_path, "1.color.png", "2.color.png")
    for name in ("1.depth.png", "2.depth.png"):
        Image.fromarray(np.arange(120 * 160, dtype=np.uint16).reshape(120, 160)).save(folder / name)
    assert heard.of(source(folder)).names == ["1_color", "2_color"]
    assert any("also holds 2 depth maps" in line for line in heard.lines)
    assert heard.of(source(f"{folder}/*.png")).names == ["1_color", "2_color"]


def test_what_the_pictures_hold_decides_and_not_where_they_are(tmp_path: Path, photo, folder_of, source) -> None:
    def fingerprint(folder: Path) -> dict:
        return Inputs().fingerprints({"load": Load(source(folder))})["load"]

    folder = folder_of(tmp_path / "p", "a.png", "b.png", "c.png")
    first = fingerprint(folder)
    folder = folder.rename(tmp_path / "q")
    assert fingerprint(folder) == first
    photo(200).save(folder / "b.png")
    assert fingerprint(folder) != first


ONE = r"a\.png is only one picture; wanted two or more .*`vistadream single-img image=.*a\.png`"


def test_one_picture_is_sent_to_single_img(tmp_path: Path, folder_of, source) -> None:
    folder = folder_of(tmp_path / "p", "a.png")
    for named in (folder, folder / "a.png", f"[{folder}/a.png,{folder}/a.png]", f"{folder}/*.png"):
        with pytest.raises(UserError, match=ONE):
            source(named)(silent)
        with pytest.raises(UserError, match=ONE):
            source(named).inputs()  # before a run folder is made


def test_three_copies_of_one_picture_are_one(tmp_path: Path, folder_of, source) -> None:
    folder = folder_of(tmp_path / "p", "a.png", "b.png", "c.png", step=0)
    wanted = r"1 of 3 can be used; wanted two .*b\.png is not used: it shows the same as a\.png"
    with pytest.raises(UserError, match=wanted):
        source(folder)(silent)


def test_a_picture_too_small_to_use_is_left_out(tmp_path: Path, photo, source, heard) -> None:
    for name, taken in {"a": photo(0, blur=5), "b": photo(90, blur=5), "icon": photo(300, (6, 6))}.items():
        taken.save(tmp_path / f"{name}.png")
    assert heard.of(source(tmp_path)).names == ["a", "b"]
    assert heard.reasons["icon.png"].startswith("icon.png is too small or too narrow")


def test_only_black_or_damaged_pictures_are_none(tmp_path: Path, source) -> None:
    Image.new("RGB", (160, 120)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UserError, match=r"0 of 2 can be used; .*a\.png is not used: it shows one flat color; b"):
        source(tmp_path)(silent)


def test_the_given_rooms_and_walks(test_data: Path, source, heard) -> None:
    assert len(heard.of(source(test_data / "bedroom")).names) == 3
    assert len(source(f"{test_data}/walk/*.color.png")(silent)) == len(list((test_data / "walk").glob("*.color.png")))
    assert len(source(test_data / "kitchen")(silent)) == 6
