"""Models take turns in memory, and work goes on with less when the card is full: with small modules."""

import weakref

import pytest
import torch
from torch import nn

from vistadream.backends.weights.policy import Budget, Policy
from vistadream.backends.weights.residence import Ladder, Residence
from vistadream.backends.weights.table import MODELS
from vistadream.core import Note, UserError

FLUX = MODELS["flux-fill"]


def loader(alive: list):
    def load() -> nn.Module:
        model = nn.Linear(4, 4)
        alive.append(weakref.ref(model))
        return model

    return load


def test_a_model_is_loaded_once_and_held():
    alive: list = []
    residence = Residence(lambda: None)
    assert residence("a", loader(alive), 1) is residence("a", loader(alive), 1)
    assert len(alive) == 1


def test_the_one_before_is_gone_when_the_next_is_loaded():
    before: list = []
    residence = Residence(lambda: None)
    residence("a", loader(before), 1)
    seen = residence("b", lambda: [ref() for ref in before], 1)
    assert seen == [None]


def test_release_lets_go_even_of_reference_cycles():
    alive: list = []
    residence = Residence(lambda: None)
    model = residence("a", loader(alive), 1)
    model.add_module("itself", model)
    del model
    residence.release()
    assert alive[0]() is None


def test_models_stay_together_while_the_card_has_room_and_the_least_used_leaves_first():
    alive: dict[str, list] = {name: [] for name in "abc"}
    free = iter([10e9, 10e9, 2e9, 9e9])
    residence = Residence(lambda: next(free))
    residence("a", loader(alive["a"]), 4)
    residence("b", loader(alive["b"]), 4)  # 10 GB free: both stay
    residence("a", loader(alive["a"]), 4)
    assert [len(alive[n]) for n in "ab"] == [1, 1]
    residence("c", loader(alive["c"]), 11)  # 10 are too few without b, 2 without a: both leave
    assert [alive[n][0]() for n in "ab"] == [None, None]


def test_a_model_that_fails_to_load_is_not_held():
    residence = Residence(lambda: None)
    with pytest.raises(OSError, match="broken"):
        residence("a", lambda: (_ for _ in ()).throw(OSError("broken")), 1)
    assert residence("a", lambda: "sound", 1) == "sound"


class Card:
    """A card of so many units; a Tiny under each policy takes 3, 2 or 1 of them."""

    need = {Policy.HIGH: 3, Policy.BALANCED: 2, Policy.LOW: 1}  # noqa: RUF012

    def __init__(self, units: int):
        self.units = units
        self.residence = Residence(lambda: None)
        self.calls: list[str] = []
        self.alive: list = []
        self.left: list = []
        give_back = self.residence.make_room
        self.residence.make_room = lambda: (give_back(), self.left.append([ref() for ref in self.alive]))[0]

    def ladder(self, asked: str = "high") -> Ladder:
        return Ladder(FLUX, asked, self.residence)

    def work(self, name: str, fits: int | None = None):
        """A piece of work by a model that fills the card up while it runs."""

        def run(budget: Budget) -> str:
            policy = budget.policy
            model = self.residence(("tiny", policy), loader(self.alive), 1)
            self.calls.append(f"{name} {policy}")
            if self.need[policy] > (self.units if fits is None else fits):
                model(torch.ones(4)).sum().backward()
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
            return f"{name} done"

        return run


def test_a_full_card_steps_down_frees_first_and_says_so(notes):
    card = Card(units=1)
    assert card.ladder()(card.work("paint")) == "paint done"
    assert card.calls == ["paint high", "paint balanced", "paint low"]
    assert card.left == [[None], [None, None]], "nothing is left when memory is given back to the card"
    said = [note.text for note in notes if isinstance(note, Note)]
    assert ["full" in text for text in said] == [False, True, True]
    assert "memory=low" in said[-1]


def test_nothing_is_computed_twice_and_a_step_down_lasts():
    card = Card(units=3)
    ladder = card.ladder()
    assert ladder(card.work("encode")) == "encode done"
    assert ladder(card.work("denoise", fits=2)) == "denoise done"
    assert ladder(card.work("decode")) == "decode done"
    assert card.calls == ["encode high", "denoise high", "denoise balanced", "decode balanced"]


def test_when_even_low_does_not_fit_the_error_names_three_knobs():
    card = Card(units=0)
    with pytest.raises(UserError, match="memory=low") as caught:
        card.ladder()(card.work("paint"))
    assert all(
        word in str(caught.value) for word in ("max_resolution", "expansion", "backends/outpaint", "flux2-klein-4b")
    )
    assert [ref() for ref in card.alive] == [None] * 3, "nothing stays on the card"


def test_company_leaves_before_a_policy_does():
    """Two models that fitted by the figures do not in fact: the other leaves, and the policy stays."""
    residence = Residence(lambda: int(100e9))
    calls = []

    def work(budget: Budget) -> str:
        residence("depth", lambda: "depth model", 3)
        residence("paint", lambda: "paint model", 3)
        calls.append(budget.policy)
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return "done"

    assert Ladder(FLUX, "high", residence)(work) == "done"
    assert calls == [Policy.HIGH, Policy.HIGH]
    assert residence("depth", lambda: "loaded anew", 3) == "loaded anew"
    assert residence("paint", lambda: "taking turns", 3) == "taking turns"


@pytest.mark.parametrize("text", ["CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"])
def test_libraries_that_say_it_in_other_words_are_understood(text):
    calls = []

    def work(budget: Budget) -> Policy:
        calls.append(budget.policy)
        if budget.policy is Policy.HIGH:
            raise RuntimeError(text)
        return budget.policy

    assert Ladder(FLUX, "high", Residence(lambda: None))(work) is Policy.BALANCED


def test_other_errors_pass_through_at_once():
    with pytest.raises(RuntimeError, match="shapes"):
        Ladder(FLUX, "high", Residence(lambda: None))(lambda policy: (_ for _ in ()).throw(RuntimeError("shapes")))


@pytest.mark.parametrize("asked", ["auto", "high"])
def test_the_card_is_read_once_everything_left_it(asked):
    alive: list = []
    residence = Residence(lambda: int(20e9) if alive[0]() is None else 0)
    residence("depth", loader(alive), 3)
    assert Ladder(FLUX, asked, residence)(lambda budget: budget.card_bytes) == 20e9


@pytest.mark.parametrize(
    ("asked", "free_gb", "gb"),
    [("auto", 80, 80), ("auto", 16, 16), ("high", 80, 80), ("balanced", 80, 24), ("balanced", 16, 16), ("low", 80, 12)],
)
def test_a_policy_is_a_budget_and_auto_may_use_all_that_is_free(asked, free_gb, gb):
    assert Ladder(FLUX, asked, Residence(lambda: int(free_gb * 1e9)))(lambda budget: budget.card_bytes) == gb * 1e9


def test_each_step_down_has_less_even_on_a_small_card():
    budgets = []

    def work(budget: Budget) -> None:
        budgets.append(budget.card_bytes)
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(UserError, match="does not fit"):
        Ladder(FLUX, "high", Residence(lambda: int(8e9)))(work)
    assert budgets == [8e9, 6e9, 4.5e9]


def test_a_model_is_dropped_and_the_others_stay():
    alive: dict[str, list] = {"a": [], "b": []}
    residence = Residence(lambda: int(100e9))
    for name, made in alive.items():
        residence(name, loader(made), 1)
    residence.drop("a")
    residence.drop("of another")
    assert [made[0]() is None for made in alive.values()] == [True, False]
