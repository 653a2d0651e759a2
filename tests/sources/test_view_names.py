"""Names of Views are safe as names of files, whatever the photos are called."""

from hypothesis import given
from hypothesis import strategies as st

from vistadream.sources.view_names import view_names


@given(st.lists(st.text(max_size=100), max_size=12))
def test_names_are_plain_unique_and_short(photos: list[str]) -> None:
    names = view_names(photos)
    assert len({name.casefold() for name in names}) == len(photos)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") for name in names)
    assert all(0 < len(name) < 80 for name in names)


def test_a_plain_stem_stays_as_it_is() -> None:
    assert view_names(["IMG_0012.JPG", "trip/frame-3.color.png", "clip 0.50 s"]) == [
        "IMG_0012",
        "frame-3_color",
        "clip_0_50_s",
    ]


def test_equal_stems_are_numbered() -> None:
    assert view_names(["a.jpg", "a.png", "b/a.jpg", "A.webp", "a_2.jpg"]) == ["a", "a_2", "a_3", "A_4", "a_2_2"]


def test_names_of_views_that_stages_add_are_kept_free() -> None:
    assert view_names(["outpaint.png", "coarse_000.png"]) == ["photo_outpaint", "photo_coarse_000"]
