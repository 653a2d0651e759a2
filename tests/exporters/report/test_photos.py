"""Laws of what the report shows of several photos."""

import base64
import io
import re

import numpy as np
from PIL import Image

from vistadream.exporters.report.photos import THUMBNAIL_PX, cards, photo_table


def shown(page: str) -> list[tuple[str, Image.Image]]:
    """Words and picture of each image of a page, in their order."""
    found = re.findall(r'<img src="data:[^,]*,([^"]*)"[^>]* alt="([^"]*)"', page)
    return [(alt, Image.open(io.BytesIO(base64.b64decode(data)))) for data, alt in found]


def flat(level: int, height: int = 300, width: int = 400) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_the_pictures_of_a_photo_are_small_and_next_to_each_other() -> None:
    page = cards({"a": {"color": flat(50), "depth": flat(90)}, "b & c": {"color": flat(130, 400, 300)}}, "load")
    images = shown(page)
    assert [alt for alt, _ in images] == ["load: a, color", "load: a, depth", "load: b &amp; c, color"]
    assert [image.size for _, image in images] == [(240, 180), (240, 180), (180, 240)]
    assert [round(np.asarray(image).mean() / 10) for _, image in images] == [5, 9, 13]
    assert re.findall("<figcaption>(.*?)</figcaption>", page) == ["a", "b &amp; c"]
    assert "from left to right: color, depth" in page


def test_a_small_picture_keeps_its_size() -> None:
    ((_, image),) = shown(cards({"a": {"color": flat(50, 30, THUMBNAIL_PX)}}, "load"))
    assert image.size == (THUMBNAIL_PX, 30)


def test_without_photos_there_is_nothing() -> None:
    assert cards({}, "load") == ""
    assert photo_table({}) == photo_table({"photos": []}) == photo_table({"photos": 12}) == ""


ROWS = [
    {"name": "a.jpg", "view": "a", "used": True, "reason": None, "error_px": 0.25, "gain_rgb": [1.0, 0.98765, 1.1]},
    {"name": "<b>.jpg", "view": None, "used": False, "reason": "it is blurred", "error_px": None, "size": None},
]


def cells(table: str) -> list[list[str]]:
    return [re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", table)]


def test_each_photo_has_a_row_with_what_became_of_it() -> None:
    assert cells(photo_table({"photos": ROWS})) == [
        ["name", "used", "error px", "gain rgb", "reason"],
        ["a.jpg", "yes", "0.25", "1 0.9877 1.1", ""],
        ["&lt;b&gt;.jpg", "no", "", "", "it is blurred"],
    ]


def test_a_long_table_is_closed_at_first() -> None:
    assert "<details open>" in photo_table({"photos": ROWS})
    long = photo_table({"photos": ROWS * 30})
    assert "<details open>" not in long
    assert len(cells(long)) == 61
