from pathlib import Path

import pytest
from PIL import Image

from vistadream.core import UserError
from vistadream.formats.picture_head import is_on_its_side, picture_size


def picture(path: Path, orientation: int | None = None) -> Path:
    image = Image.new("RGB", (40, 30))
    exif = image.getexif()
    if orientation:
        exif[0x0112] = orientation
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize(("orientation", "turned"), [(None, False), (1, False), (3, False), (6, True), (8, True)])
def test_the_size_is_as_stored_and_exif_says_whether_it_lies_on_its_side(orientation, turned, tmp_path):
    path = picture(tmp_path / "a.jpg", orientation)
    assert picture_size(path) == (40, 30)
    assert is_on_its_side(path) == turned


def test_nothing_but_the_head_is_read(tmp_path):
    path = tmp_path / "a.png"
    Image.effect_noise((40, 30), 99).save(path)
    path.write_bytes(path.read_bytes()[:200])
    assert picture_size(path) == (40, 30)


def test_what_is_not_a_picture_is_one_sentence(tmp_path):
    (tmp_path / "a.png").write_bytes(b"Dear Sir")
    with pytest.raises(UserError, match=r"a\.png is not a picture that can be read"):
        picture_size(tmp_path / "a.png")
