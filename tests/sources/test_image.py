"""Files of every kind become the first View, or one clear sentence."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from bad_pictures import BAD, picture

from vistadream.core import Note, UserError, View, silent
from vistadream.sources.image import ImageFile
from vistadream.sources.lens import Lens


def source(path: Path, max_resolution: int = 128, multiple: int = 8, **lens) -> ImageFile:
    known = {"focal_px": None, "principal_px": None, "fov_x_deg": 60.0}
    return ImageFile(path, max_resolution, multiple, Lens(**known | lens))


def load(path: Path, **knobs) -> View:
    (view,) = source(path, **knobs)(silent)
    return view


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp"])
def test_common_formats_give_the_same_view(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    picture().save(path)
    view = load(path)
    assert (view.camera.width, view.camera.height) == (128, 96)
    reference = torch.from_numpy(np.asarray(picture().resize((128, 96), Image.Resampling.LANCZOS))).float() / 255
    assert float((view.rgb - reference).abs().mean()) < 0.02


def test_heic_is_read_where_pillow_heif_is(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.register_heif_opener()
    picture().save(tmp_path / "a.heic")
    assert load(tmp_path / "a.heic").camera.width == 128


def test_a_photo_turned_by_exif_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(tmp_path / "a.jpg", exif=exif)
    camera = load(tmp_path / "a.jpg").camera
    assert (camera.width, camera.height) == (96, 128)


def test_the_focal_length_comes_from_the_knob_then_exif_then_the_guess(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8769] = {0xA405: 36}
    picture().save(tmp_path / "exif.jpg", exif=exif)
    picture().save(tmp_path / "plain.jpg")
    knob = load(tmp_path / "exif.jpg", focal_px=320.0)
    assert (knob.camera.fx, knob.focal_known) == (pytest.approx(256.0), True)
    from_exif = load(tmp_path / "exif.jpg")
    assert (from_exif.camera.fx, from_exif.focal_known) == (pytest.approx(128.0), True)
    guess = load(tmp_path / "plain.jpg")
    assert not guess.focal_known
    assert guess.camera.fx == pytest.approx(64 / np.tan(np.radians(30)))


def test_the_principal_point_follows_crop_and_scale(tmp_path: Path) -> None:
    picture((163, 121)).save(tmp_path / "a.png")
    centred = load(tmp_path / "a.png").camera
    assert (centred.cx, centred.cy) == (pytest.approx(centred.width / 2), pytest.approx(centred.height / 2))
    moved = load(tmp_path / "a.png", principal_px=(163 / 2 + 10, 121 / 2)).camera
    assert moved.cx - centred.cx == pytest.approx(10 * 128 / 163)


def test_drawings_are_no_pictures(tmp_path: Path) -> None:
    stream = io.BytesIO()
    picture((16, 16)).save(stream, "EPS")
    (tmp_path / "drawing.eps").write_bytes(stream.getvalue())
    with pytest.raises(UserError, match=r"drawing\.eps is not a picture that can be read; wanted"):
        load(tmp_path / "drawing.eps")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_picture_is_one_sentence(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(BAD[kind])
    with pytest.raises(UserError) as caught:
        load(path)
    message = str(caught.value)
    assert "bad.png" in message
    assert "wanted" in message
    assert "\n" not in message


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such picture"):
        load(tmp_path / "nothing.jpg")
    with pytest.raises(UserError, match="is a folder"):
        load(tmp_path)


@pytest.mark.parametrize("focal_px", [1e30, 1e-30])
def test_a_focal_length_that_no_lens_has_is_refused_by_name(tmp_path: Path, focal_px: float) -> None:
    picture().save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"camera.focal_px: got .* for a picture of 160x120 pixels; wanted"):
        load(tmp_path / "a.png", focal_px=focal_px)


@pytest.mark.parametrize(
    "knobs",
    [
        {"max_resolution": 8},
        {"focal_px": -1.0},
        {"fov_x_deg": 200.0},
        {"multiple": 0},
        {"principal_px": [float("nan"), 1.0]},
        {"principal_px": [1.0]},
    ],
)
def test_a_senseless_knob_is_refused_by_name(knobs: dict) -> None:
    with pytest.raises(ValueError, match="wanted"):
        load(Path("x.png"), **knobs)


def test_what_was_passed_over_is_one_warning(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png", icc_profile=b"no profile at all")
    notes = []
    source(tmp_path / "a.png")(lambda name, value, step=None: notes.append(value) if isinstance(value, Note) else None)
    (warning,) = [note.text for note in notes if note.level == "warning"]
    assert "a.png: its color profile was ignored: " in warning


def test_a_path_that_the_system_refuses_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"is too long for a path; wanted"):
        load(tmp_path / ("a" * 300))
    picture().save(tmp_path / "a.png")
    with pytest.raises(UserError, match="lies below a file; wanted"):
        load(tmp_path / "a.png" / "b.png")

    def locked(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", locked)
    with pytest.raises(UserError, match=r"a\.png may not be read or written; wanted"):
        load(tmp_path / "a.png")
