"""A folder, a list or a pattern of pictures becomes Views, and each picture that is not used has its reason."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.sources.photos import folder_of, photo, source

from vistadream.core import Note, Summary, UserError, View, is_plain_name, silent


class Heard:
    """An Observer that keeps what it is given."""

    def __init__(self) -> None:
        self.all: list[tuple[str, object]] = []

    def __call__(self, name: str, value: object, step: int | None = None) -> None:
        self.all.append((name, value))

    def photos(self) -> list[dict]:
        """What became of each photo, as data."""
        (summary,) = (value for name, value in self.all if name == "load/photos" and isinstance(value, Summary))
        return summary.data["photos"]

    def lines(self) -> list[str]:
        return [value.text for _, value in self.all if isinstance(value, Note)]


def reasons(heard: Heard) -> dict[str, str | None]:
    return {each["name"]: each["reason"] for each in heard.photos()}


def names(views: Sequence[View]) -> list[str]:
    return [view.name for view in views]


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "trip", "img10.png", "img2.png", "img1.png")
    (folder / "notes.txt").write_text("no picture")
    folder_of(folder / "more", "img3.png")
    views = source(folder)(silent)
    assert names(views) == ["img1", "img2", "img10"]
    assert source(folder).name == "trip"
    assert [path.name for path in source(folder).inputs()] == ["img1.png", "img2.png", "img10.png"]


def test_each_photo_is_a_view_that_waits_for_its_pose(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.png", "b.png")
    for view in source(folder, max_resolution=160)(silent):
        assert (view.origin, view.pose_known, view.focal_known, view.z) == ("photo", False, False, None)
        assert bool(view.supervise.all())
        assert bool(view.lift.all())
        assert not bool(view.generated.any())
        assert torch.equal(view.camera.cam_from_world, torch.eye(4))
    assert torch.equal((view.rgb * 255).round().byte(), torch.from_numpy(np.array(photo(20))))


def test_a_list_keeps_its_order_and_a_pattern_is_in_natural_order(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "img10.png", "img2.png", "x.png")
    assert names(source(f"{folder}/x.png,{folder}/img2.png")(silent)) == ["x", "img2"]
    assert names(source(f"[{folder}/x.png, '{folder}/img2.png']")(silent)) == ["x", "img2"]
    assert names(source(f"{folder}/img*.png")(silent)) == ["img2", "img10"]
    assert source(f"{folder}/x.png,{folder}/img2.png").name == "x"


def test_any_file_name_gives_a_plain_unique_name(tmp_path: Path) -> None:
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
    views = source(folder_of(tmp_path, *odd))(silent)
    assert len(views) == len(odd)
    assert all(is_plain_name(view.name) and view.name.isascii() for view in views)
    assert len({view.name.casefold() for view in views}) == len(odd)
    assert {"Grue_2", "photo", "photo_coarse_000", "input", "x"} < set(names(views))


def test_mixed_sizes_turns_and_lenses(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8769] = {0xA405: 36}
    photo(0).save(tmp_path / "1.jpg", exif=exif)
    photo(20, (320, 240)).save(tmp_path / "2.png")
    heard = Heard()
    turned, large = source(tmp_path)(heard)
    assert (turned.camera.width, turned.camera.height, turned.focal_known) == (96, 128, True)
    assert turned.camera.fx == pytest.approx(128)
    assert (large.camera.width, large.camera.height, large.focal_known) == (128, 96, False)
    assert [each["size"] for each in heard.photos()] == [(120, 160), (320, 240)]
    assert [each["focal_px"] for each in heard.photos()] == pytest.approx([160, 160 / np.tan(np.radians(30))])
    assert "EXIF" in heard.photos()[0]["focal_from"]
    assert all(view.focal_known and view.camera.fx > 0 for view in source(tmp_path, focal_px=200.0)(silent))


@pytest.mark.parametrize("mask", ["masks/a.png", "masks/a.jpg.png", "a.jpg.png"])
def test_black_pixels_of_a_mask_are_ignored(tmp_path: Path, mask: str) -> None:
    folder = folder_of(tmp_path / "p", "a.jpg", "b.jpg")
    (folder / "masks").mkdir()
    levels = np.full((120, 160), 255, np.uint8)
    levels[:, :80] = 0
    Image.fromarray(levels).save(folder / mask)
    a, b = source(folder)(silent)
    assert not bool(a.supervise[:, :64].any())
    assert bool(a.supervise[:, 64:].all())
    assert torch.equal(a.supervise, a.lift)
    assert bool(b.supervise.all())
    assert folder / mask in source(folder).inputs()
    Image.fromarray(levels[:60]).save(folder / mask)
    with pytest.raises(UserError, match="mask is 160x60; wanted"):
        source(folder)(silent)


def test_copies_blurred_flat_and_damaged_pictures_are_left_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *(f"{i}.png" for i in range(8)))
    photo(20).save(folder / "1b.png")
    photo(60, blur=4).save(folder / "3.png")
    Image.new("RGB", (160, 120)).save(folder / "5.png")
    (folder / "6.png").write_bytes((folder / "6.png").read_bytes()[:300])
    heard = Heard()
    assert names(source(folder)(heard)) == ["0", "1", "2", "4", "7"]
    why = reasons(heard)
    assert [name for name, reason in why.items() if reason] == ["1b.png", "3.png", "5.png", "6.png"]
    assert why["1b.png"] == "it shows the same as 1.png"
    assert "blurred" in why["3.png"]
    assert "one flat color" in why["5.png"]
    assert "damaged or truncated" in why["6.png"]
    for name in ("1b.png", "3.png", "5.png", "6.png"):
        assert any(line.startswith(f"{name} is not used: ") for line in heard.lines())
    assert {each["view"] for each in heard.photos() if each["used"]} == {"0", "1", "2", "4", "7"}


def test_more_than_max_views_are_thinned_evenly(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, *(f"{i}.png" for i in range(40)))
    heard = Heard()
    views = source(folder, max_views=5)(heard)
    numbers = [int(view.name) for view in views]
    assert len(numbers) == 5
    assert max(np.diff([-4, *numbers, 44])) < 17
    assert len(source(folder, max_views=5).inputs()) == 20
    assert sum("max_views is 5" in line for line in heard.lines()) == 1


def test_the_inputs_change_with_what_the_pictures_hold_and_not_with_where_they_are(tmp_path: Path) -> None:
    from vistadream.runs.inputs import Inputs
    from vistadream.stages.load import Load

    def fingerprint(folder: Path) -> dict:
        return Inputs().fingerprints({"load": Load(source(folder))})["load"]

    folder = folder_of(tmp_path / "p", "a.png", "b.png", "c.png")
    first = fingerprint(folder)
    folder = folder.rename(tmp_path / "q")
    assert fingerprint(folder) == first
    photo(200).save(folder / "b.png")
    assert fingerprint(folder) != first


ONE = r"a\.png is only one picture; wanted two or more .*`vistadream single-img image=.*a\.png`"


def test_one_picture_is_sent_to_single_img(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", "a.png")
    for words in (folder, folder / "a.png", f"[{folder}/a.png,{folder}/a.png]", f"{folder}/*.png"):
        with pytest.raises(UserError, match=ONE):
            source(words)(silent)


def test_three_copies_of_one_picture_are_one(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", "a.png", "b.png", "c.png", step=0)
    with pytest.raises(
        UserError, match=r"1 of 3 can be used; wanted two .*b\.png is not used: it shows the same as a\.png"
    ):
        source(folder)(silent)
