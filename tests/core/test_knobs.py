"""The range of a knob."""

import math
from dataclasses import dataclass

import pytest

from vistadream.core.knobs import FROM_0, FROM_1, check_ranges


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
