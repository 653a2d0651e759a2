"""A checkpoint fills the whole model, or names what it lacks."""

from pathlib import Path

import pytest
import torch
from torch import nn

from vistadream.backends.weights.fill import fill
from vistadream.core import UserError

FILE = Path("model.safetensors")


def twins() -> nn.Module:
    """Two layers that share their tensors, and one of its own."""
    shared = nn.Linear(3, 3)
    return nn.ModuleDict({"one": shared, "other": shared, "last": nn.Linear(3, 2)})


@pytest.mark.parametrize("kept", ["one", "other"])
def test_a_shared_tensor_is_there_under_either_of_its_names(kept):
    source, model = twins(), twins()
    weights = {name: t for name, t in source.state_dict().items() if name.startswith((kept, "last"))}
    fill(model, weights, FILE)
    for ours, theirs in zip(model.parameters(), source.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_shared_tensor_under_none_of_its_names_is_missing_once():
    weights = {name: t for name, t in twins().state_dict().items() if "weight" in name}
    with pytest.raises(UserError, match=r"lacks 2 of the model's 6 tensors.*one\.bias, last\.bias"):
        fill(twins(), weights, FILE)


def test_a_tensor_of_another_shape_is_refused_even_where_its_twin_fits():
    weights = dict(twins().state_dict()) | {"other.bias": torch.zeros(4)}
    with pytest.raises(UserError, match=r"lacks 1 of .*other\.bias"):
        fill(twins(), weights, FILE)
