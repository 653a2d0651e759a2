"""What stays on a card: laws of the plans for any network, budget and picture."""

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from vistadream.backends.diffusion.plan import Sizes, plans, spread
from vistadream.backends.weights.policy import Budget, Policy

MB = 10**6
FLUX = Sizes((680 * MB,) * 19 + (283 * MB,) * 38, (454 * MB,) * 19 + (170 * MB,) * 38, 500 * MB)
"""About the sizes of FLUX.1."""
blocks = st.lists(st.tuples(st.integers(1, 900 * MB), st.floats(0.5, 1)), min_size=1, max_size=40)
sizes = st.builds(
    lambda found, rest: Sizes(tuple(n for n, _ in found), tuple(int(n * share) for n, share in found), rest),
    blocks,
    st.integers(0, 2000 * MB),
)
gigabytes = st.floats(0.5, 100)


def planned(of, card_gb, main_gb=64.0, pixels=1024 * 1024):
    return plans(lambda: of, Budget(Policy.HIGH, card_gb * 1e9, main_gb * 1e9), pixels)


@given(of=sizes, card_gb=gigabytes, main_gb=gigabytes, pixels=st.integers(256**2, 2048**2))
def test_no_plan_is_over_the_budget_unless_none_is_under_it(of, card_gb, main_gb, pixels):
    found = planned(of, card_gb, main_gb, pixels)
    assert all(plan.main_bytes <= main_gb * 1e9 / 2 for plan in found)
    if len(found) > 1 or found[0].card_bytes <= card_gb * 1e9:
        assert all(plan.card_bytes <= card_gb * 1e9 for plan in found)
    else:
        (least,) = found
        assert planned(of, 4 * card_gb, main_gb, pixels)[0].card_bytes >= least.card_bytes


@given(of=sizes, card_gb=gigabytes, main_gb=gigabytes, more=st.floats(1, 4), more_main=st.floats(1, 4))
def test_more_memory_never_gives_a_slower_plan(of, card_gb, main_gb, more, more_main):
    # At one size of work: more of the card may also mean to decode without tiles, which needs more memory.
    less = planned(of, card_gb, main_gb, pixels=1)[0]
    assume(less.card_bytes <= 0.7 * card_gb * 1e9)
    assert planned(of, card_gb * more, main_gb * more_main, pixels=1)[0].cost_bytes <= less.cost_bytes


@given(of=sizes)
def test_all_of_it_stays_as_published_where_it_fits_and_nothing_is_left_to_try(of):
    whole = sum(of.blocks) + of.rest
    (plan,) = planned(of, (whole + 9e9) / 0.9 / 1e9)
    assert not plan.fp8
    assert not plan.streamed
    assert plan.main_bytes == plan.cost_bytes == 0
    assert plan.card_bytes >= whole


@given(of=sizes, card_gb=gigabytes, main_gb=gigabytes)
def test_the_first_is_expected_to_be_fastest_and_each_kind_occurs_once(of, card_gb, main_gb):
    found = planned(of, card_gb, main_gb)
    assert [plan.cost_bytes for plan in found] == sorted(plan.cost_bytes for plan in found)
    assert len({plan.fp8 for plan in found}) == len(found)
    for plan in found:
        stored = of.fp8_blocks if plan.fp8 else of.blocks
        assert plan.cost_bytes == sum(stored[i] for i in plan.streamed) * (1 if plan.pinned else 8)


def test_the_cards_that_people_have():
    """FLUX.1 at 1024 px: the 12 GB card must stay under 11.5 GB and 24 GB of main memory."""
    (whole,) = planned(FLUX, 40)
    assert not whole.streamed
    resident, partly = planned(FLUX, 24)
    assert (resident.fp8, resident.streamed) == (True, ())
    assert not partly.fp8
    assert 0 < len(partly.streamed) < 30
    assert not partly.tiles
    (small,) = planned(FLUX, 12)
    assert small.fp8
    assert small.tiles
    assert small.card_bytes < 11.5e9
    assert small.main_bytes < 16e9
    assert small.cost_bytes < 0.6 * sum(FLUX.fp8_blocks), "what fits stays on the card"


def test_with_little_main_memory_blocks_are_read_from_the_file_if_fp8_is_not_possible():
    (plan,) = planned(FLUX, 12, main_gb=4)
    assert not plan.fp8
    assert not plan.pinned
    assert plan.main_bytes == 0


def test_without_a_gpu_nothing_is_measured_or_moved():
    def unread():
        raise AssertionError("the sizes were read")

    (plan,) = plans(unread, Budget(Policy.LOW, None, 1e9), 1024 * 1024)
    assert (plan.fp8, plan.streamed, plan.tiles) == (False, (), False)


@given(count=st.integers(0, 70))
def test_streamed_blocks_are_spread_over_the_network(count):
    order = spread(count)
    assert sorted(order) == list(range(count))
    for k in range(2, count + 1):
        chosen = sorted(order[:k])
        gaps = [b - a for a, b in itertools.pairwise(chosen)]
        assert max(gaps) <= 4 * count / k + 1
