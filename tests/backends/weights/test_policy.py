"""The policy that a free card gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.weights.policy import CHOICES, Policy, choose
from vistadream.backends.weights.table import MODELS, Memory

MEMORY = Memory(32, 18, 11)


@given(free_gb=st.floats(0, 100))
def test_auto_takes_the_fastest_policy_that_fits(free_gb):
    policy, why = choose("auto", MEMORY, int(free_gb * 1e9))
    fitting = [p for p in Policy if getattr(MEMORY, p) * 1e9 <= int(free_gb * 1e9)]
    assert policy == (fitting[0] if fitting else Policy.LOW)
    assert f"{int(free_gb * 1e9) / 1e9:.1f} GB free" in why
    assert ("or not fit" in why) == (not fitting)


@pytest.mark.parametrize(
    ("card_gb", "policy"), [(80, "high"), (24, "balanced"), (12, "low"), (8, "low"), (40, "high"), (32, "high")]
)
def test_cards_that_people_have(card_gb, policy):
    assert choose("auto", MODELS["flux-fill"].memory, int(card_gb * 1e9))[0] == policy


@pytest.mark.parametrize("asked", list(Policy))
@pytest.mark.parametrize("free_bytes", [None, 0, 10**12])
def test_a_policy_by_name_is_never_swapped(asked, free_bytes):
    assert choose(asked, MEMORY, free_bytes) == (asked, "as asked")


def test_without_a_card_the_model_stays_where_it_is():
    policy, why = choose("auto", MEMORY, None)
    assert policy is Policy.HIGH
    assert "on the CPU" in why


def test_another_word_is_refused_with_all_that_are_right():
    with pytest.raises(ValueError, match="memory: got 'full'; wanted one of " + ", ".join(CHOICES)):
        choose("full", MEMORY, None)


def test_steps_go_down_to_low_and_end_there():
    assert [policy.smaller for policy in Policy] == [Policy.BALANCED, Policy.LOW, None]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_each_step_down_of_a_model_needs_no_more(model):
    assert model.memory.high >= model.memory.balanced >= model.memory.low > 0
