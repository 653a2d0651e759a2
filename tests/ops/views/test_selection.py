"""Laws of the choice among pictures: sharper copies stay, groups of neighbors lose one another, the rest is even."""

from itertools import pairwise

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vistadream.ops.views.selection import Look, look_of, rejections, thinned

RNG = np.random.default_rng(0)


def picture(seed: int, blur: float = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 255, (24, 32), dtype=np.uint8)
    gray = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(gray, (0, 0), blur) if blur else gray


def why(*pictures: np.ndarray, most: int = 60) -> list[str | None]:
    return rejections([f"{i}" for i in range(len(pictures))], [look_of(each) for each in pictures], most)


def left_out(*pictures: np.ndarray) -> list[int]:
    return [i for i, reason in enumerate(why(*pictures)) if reason]


def test_different_pictures_are_all_used() -> None:
    assert why(*(picture(i) for i in range(6))) == [None] * 6


def test_a_copy_is_left_out_wherever_it_is() -> None:
    noisy = (picture(0) + RNG.normal(0, 2, (240, 320)).clip(-4, 4)).clip(0, 255).astype(np.uint8)
    assert why(picture(0), picture(1), noisy, picture(2)) == [None, None, "it shows the same as 0", None]


def test_blur_counts_among_neighbors_only() -> None:
    sharp = [picture(i) for i in range(5)]
    assert left_out(*sharp[:2], picture(9, 8), *sharp[2:]) == [2]
    assert why(*(picture(i, 8) for i in range(5))) == [None] * 5


def test_of_two_pictures_none_is_called_blurred() -> None:
    assert why(picture(0), picture(1, 8)) == [None, None]


def test_a_blurred_copy_does_not_take_the_place_of_the_sharp_one() -> None:
    soft = [picture(i, 20) // 2 for i in range(4)]
    sharp = [gray.copy() for gray in soft]
    for gray in sharp:
        gray[::2, ::2] += 4
    assert left_out(soft[0], *sharp) == [0]
    assert left_out(sharp[0], soft[0], *sharp[1:]) == [1]


def test_flat_pictures_show_nothing() -> None:
    assert left_out(np.zeros((240, 320), np.uint8), picture(0), picture(1)) == [0]


def test_pictures_of_any_size_are_compared() -> None:
    small = cv2.resize(picture(0), (160, 120), interpolation=cv2.INTER_AREA)
    assert why(picture(0), small, picture(1))[1] == "it shows the same as 0"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=80), st.integers(1, 30))
def test_thinning_is_even_and_takes_the_sharpest(sharpness: list[float], most: int) -> None:
    kept = thinned(sharpness, most)
    assert len(kept) == min(most, len(sharpness))
    assert kept == sorted(set(kept))
    group = -(-len(sharpness) // len(kept))
    assert all(later - earlier < 2 * group for earlier, later in pairwise(kept))
    assert any(sharpness[i] == max(sharpness) for i in kept)


def test_nothing_is_thinned_to_nothing() -> None:
    assert thinned([], 5) == []
    assert rejections([], [], 5) == []


def test_a_look_is_small_whatever_the_picture() -> None:
    look = look_of(picture(0))
    assert isinstance(look, Look)
    assert look.thumb.shape == (64, 64)
    assert look.sharpness > look_of(picture(0, 2)).sharpness
