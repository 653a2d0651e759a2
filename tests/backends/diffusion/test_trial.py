"""The fastest plan is measured once, remembered for this computer, and not measured where there is no choice."""

import pytest
import torch

from vistadream.backends.diffusion import trial
from vistadream.backends.diffusion.plan import Plan, Sizes
from vistadream.backends.diffusion.trial import Chooser, fastest
from vistadream.backends.weights.policy import Budget, Policy
from vistadream.backends.weights.residence import resident
from vistadream.core import Note, use_observer

RESIDENT, STREAMED = Plan(fp8=True), Plan(streamed=(0, 2), cost_bytes=5)
PIXELS = 1024 * 1024


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "vistadream" / "placements"


class Steps:
    """Steps that take a given time under each plan."""

    def __init__(self, **seconds):
        self.seconds = {RESIDENT: seconds["fp8"], STREAMED: seconds["bf16"]}
        self.tried = []

    def __call__(self, plan):
        self.tried.append(plan)
        if isinstance(taken := self.seconds[plan], Exception):
            raise taken
        return taken


@pytest.mark.parametrize(
    ("fp8", "bf16", "best"),
    [(1.0, 2.0, RESIDENT), (2.0, 1.0, STREAMED), (1.0, 1.04, STREAMED), (1.04, 1.0, STREAMED), (1.0, 1.1, RESIDENT)],
)
def test_the_fastest_is_taken_and_bf16_where_it_is_hardly_slower(fp8, bf16, best):
    steps = Steps(fp8=fp8, bf16=bf16)
    assert fastest("flux", [RESIDENT, STREAMED], PIXELS, steps) == best
    assert steps.tried == [STREAMED, RESIDENT], "the one that is expected to be fastest comes last"


def test_it_is_measured_once_for_each_computer_model_size_and_choice(monkeypatch):
    first, later = Steps(fp8=1.0, bf16=3.0), Steps(fp8=3.0, bf16=1.0)
    said = []
    with use_observer(lambda name, value, step=None: said.append(value)):
        assert fastest("flux", [RESIDENT, STREAMED], PIXELS, first) == RESIDENT
    (note,) = [value.text for value in said if isinstance(value, Note)]
    assert "1.00 s a step" in note
    assert "3.00 s a step" in note
    assert fastest("flux", [RESIDENT, STREAMED], PIXELS, later) == RESIDENT
    assert later.tried == []
    assert fastest("klein", [RESIDENT, STREAMED], PIXELS, later) == STREAMED
    assert fastest("flux", [RESIDENT, STREAMED], PIXELS // 2, later) == STREAMED
    monkeypatch.setattr(trial, "_device", lambda: "another card")
    assert fastest("flux", [RESIDENT, STREAMED], PIXELS, later) == STREAMED
    assert len(later.tried) == 6


def test_a_single_plan_is_not_tried(home):
    assert fastest("flux", [STREAMED], PIXELS, Steps(fp8=1.0, bf16=ValueError())) == STREAMED
    assert not home.exists()


def test_a_plan_that_does_not_fit_is_not_taken_and_other_errors_pass():
    full = torch.OutOfMemoryError("CUDA out of memory.")
    assert fastest("flux", [RESIDENT, STREAMED], PIXELS, Steps(fp8=full, bf16=9.0)) == STREAMED
    with pytest.raises(torch.OutOfMemoryError):
        fastest("klein", [RESIDENT, STREAMED], PIXELS, Steps(fp8=full, bf16=full))
    with pytest.raises(RuntimeError, match="shapes"):
        fastest("klein", [RESIDENT, STREAMED], PIXELS, Steps(fp8=RuntimeError("shapes"), bf16=1.0))


def test_each_plan_is_tried_alone_and_what_is_not_taken_leaves():
    held = []

    def seconds(plan):
        held.append(list(resident._held))
        resident(plan, object, 0.0)
        return 1.0 if plan is STREAMED else 2.0

    assert fastest("flux", [RESIDENT, STREAMED], PIXELS, seconds) == STREAMED
    assert held == [[], []]
    assert not resident._held


def test_a_torn_record_is_measured_anew(home):
    fastest("flux", [RESIDENT, STREAMED], PIXELS, Steps(fp8=1.0, bf16=3.0))
    (record,) = home.iterdir()
    record.write_bytes(b"\xff")
    assert fastest("flux", [RESIDENT, STREAMED], PIXELS, steps := Steps(fp8=3.0, bf16=1.0)) == STREAMED
    assert len(steps.tried) == 2


def test_a_chooser_chooses_once_for_each_budget_and_decodes_by_that_choice():
    reads = []
    sizes = Sizes((10**9,) * 9, (6 * 10**8,) * 9, 10**8)
    choose = Chooser("flux", lambda: reads.append(1) or sizes)
    budget = Budget(Policy.LOW, 12e9, 64e9)
    expected = choose(budget, PIXELS)
    slower = choose(budget, PIXELS, lambda plan: 9.0 if plan == expected else 1.0)
    assert slower != expected
    assert choose(budget, PIXELS) == slower, "the picture is decoded by the parts that made the latents"
    assert choose(Budget(Policy.LOW, 9e9, 64e9), PIXELS) not in (slower, expected)
    assert reads == [1]
