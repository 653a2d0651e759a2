"""The range of a knob."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pytest

from vistadream.core.knobs import ABOVE_0, FROM_0, FROM_1, SHARE, Range, allowed_words, check_ranges


@dataclass
class Owner:
    share: float
    steps: float


@pytest.mark.parametrize(("share", "steps"), [(0, 0), (1, 10**9), (0.5, 1.5)])
def test_both_ends_belong_to_a_range(share: float, steps: float) -> None:
    check_ranges(Owner(share, steps), share=(0, 1), steps=FROM_0)


@pytest.mark.parametrize(
    ("share", "steps", "says"),
    [
        (1.001, 1, r"Owner\.share: got 1\.001; wanted 0 to 1"),
        (-0.001, 1, r"Owner\.share: got -0\.001; wanted 0 to 1"),
        (math.nan, 1, r"Owner\.share: got nan"),
        (0, 0, r"Owner\.steps: got 0; wanted 1 or more"),
        (0, math.inf, r"Owner\.steps: got inf; wanted 1 or more"),
        (0, math.nan, r"Owner\.steps: got nan"),
    ],
)
def test_what_lies_outside_is_refused_by_name(share: float, steps: float, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_ranges(Owner(share, steps), share=(0, 1), steps=FROM_1)


@dataclass(frozen=True)
class Several:
    rgb: Sequence[float] = (0.0, 0.5, 1.0)
    level: int | None = None
    word: Literal["a", "b"] = "a"
    maybe: Literal["x"] | None = None


@pytest.mark.parametrize("knobs", [{}, {"level": 9}, {"word": "b"}, {"maybe": "x"}, {"rgb": ()}])
def test_sequences_none_and_words_are_checked_by_their_types(knobs: dict) -> None:
    good = replace(Several(), **knobs)
    check_ranges(good, rgb=SHARE, level=(0, 9))
    assert good.maybe in allowed_words(Literal["x"] | None)


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"rgb": (0, 2, 0)}, r"Several\.rgb: got \(0, 2, 0\); wanted 0 to 1$"),
        ({"rgb": (0, math.nan)}, r"Several\.rgb: got \(0, nan\); wanted 0 to 1$"),
        ({"level": 10}, r"Several\.level: got 10; wanted 0 to 9, or null$"),
        ({"word": "c"}, r"Several\.word: got 'c'; wanted one of a, b$"),
        ({"word": None}, r"Several\.word: got None; wanted one of a, b$"),
        ({"maybe": "y"}, r"Several\.maybe: got 'y'; wanted one of x, null$"),
    ],
)
def test_what_a_type_does_not_allow_is_refused_by_name(knobs: dict, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_ranges(replace(Several(), **knobs), rgb=SHARE, level=(0, 9))


@pytest.mark.parametrize(
    ("known", "inside", "outside", "words"),
    [
        (ABOVE_0, [1e-9, 5], [0, -1, math.inf, math.nan], "over 0"),
        (Range(0, 1, above=True), [0.1, 1], [0, 1.1], "over 0 and up to 1"),
        (Range(0, 1, below=True), [0, 0.9], [1, -0.1], "0 or more and under 1"),
        (Range(5, 150, True, True), [6], [5, 150], "over 5 and under 150"),
        (Range(2), [2, 1e30], [1.9, math.inf], "2 or more"),
    ],
)
def test_ends_may_be_open(known: Range, inside: list, outside: list, words: str) -> None:
    assert all(map(known.holds, inside))
    assert not any(map(known.holds, outside))
    assert known.words() == words


def test_words_come_from_literal_types_alone() -> None:
    assert allowed_words(Literal["a", 2]) == ("a", 2)
    assert allowed_words(str) == allowed_words(int | None) == allowed_words(Sequence[str]) == ()
