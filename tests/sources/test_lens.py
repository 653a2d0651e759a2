"""What a user may say of a photo's lens."""

import math

import pytest

from vistadream.sources.lens import Lens


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"focal_px": 0.0}, r"Lens\.focal_px: got 0\.0; wanted over 0, or null"),
        ({"focal_px": math.inf}, r"Lens\.focal_px: got inf; wanted over 0, or null"),
        ({"principal_px": [1.0]}, r"Lens\.principal_px: got \[1\.0\]; wanted \[x, y\] in pixels, or null"),
        ({"principal_px": [1.0, math.nan]}, r"Lens\.principal_px: got .*; wanted \[x, y\]"),
        ({"fov_x_deg": 151.0}, r"Lens\.fov_x_deg: got 151\.0; wanted 5 to 150"),
    ],
)
def test_a_lens_that_cannot_be_is_refused_by_name(knobs: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Lens(**{"focal_px": None, "principal_px": None, "fov_x_deg": 60.0} | knobs)


def test_the_center_stands_in_for_an_unknown_principal_point() -> None:
    assert Lens(None, None, 60.0).principal_of(100, 60) == (50, 30)
    assert Lens(None, [1.0, 2.0], 60.0).principal_of(100, 60) == (1, 2)
