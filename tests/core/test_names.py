"""The order of names is that in which people count."""

from hypothesis import given
from hypothesis import strategies as st

from vistadream.core import natural_order


def test_numbers_in_names_count() -> None:
    names = ["b1.png", "10.png", "a 2/1.png", "2.png", "a 10/1.png", "02b.png", "", "1.png", "9" * 200 + ".png"]
    wanted = ["", "1.png", "2.png", "02b.png", "10.png", "9" * 200 + ".png", "a 2/1.png", "a 10/1.png", "b1.png"]
    assert sorted(names, key=natural_order) == wanted


@given(st.lists(st.text(max_size=12)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(sorted(names, key=natural_order)) == len(names)
