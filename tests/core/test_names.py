"""The order of names is that in which people count; names of events say what they are about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.core import group_of, natural_order, role_of


def test_numbers_in_names_count() -> None:
    names = ["b1.png", "10.png", "a 2/1.png", "2.png", "a 10/1.png", "02b.png", "", "1.png", "9" * 200 + ".png"]
    wanted = ["", "1.png", "2.png", "02b.png", "10.png", "9" * 200 + ".png", "a 2/1.png", "a 10/1.png", "b1.png"]
    assert sorted(names, key=natural_order) == wanted


@given(st.lists(st.text(max_size=12)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(sorted(names, key=natural_order)) == len(names)


@pytest.mark.parametrize(
    ("event", "group", "role"),
    [
        ("load/input/rgb", "load", "load/input/rgb"),
        ("coarse/closed", "coarse", "coarse/closed"),
        ("coarse/03/hole", "coarse/03", "coarse/hole"),
        ("coarse/03/view/z", "coarse/03", "coarse/view/z"),
        ("load/photo/012/rgb", "load/photo/012", "load/photo/012/rgb"),
        ("initialize/photo/a/view/z", "initialize/photo/a", "initialize/photo/a/view/z"),
        ("load/photos/progress", "load", "load/photos/progress"),
        ("load/photo", "load", "load/photo"),
    ],
)
def test_an_event_is_about_a_stage_a_frame_or_a_photo(event: str, group: str, role: str) -> None:
    assert (group_of(event), role_of(event)) == (group, role)
