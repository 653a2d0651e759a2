"""Gaussians refuse what does not fit together; concatenation keeps order."""

import pytest
import torch

from vistadream.core import Gaussians


def random_gaussians(n: int, seed: int = 0) -> Gaussians:
    g = torch.Generator().manual_seed(seed)
    return Gaussians(
        torch.randn(n, 3, generator=g),
        torch.randn(n, 4, generator=g),
        torch.rand(n, 3, generator=g) + 0.01,
        torch.rand(n, generator=g),
        torch.rand(n, 3, generator=g),
    )


def test_concat_then_subset_returns_the_parts() -> None:
    a, b = random_gaussians(5), random_gaussians(3, seed=1)
    both = Gaussians.concat(a, Gaussians.empty(), b)
    assert len(both) == 8
    for part, index in ((a, torch.arange(5)), (b, torch.arange(5, 8))):
        for (_, got), (_, want) in zip(both.subset(index).tensors(), part.tensors(), strict=True):
            assert torch.equal(got, want)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("field", ["means", "quats_wxyz", "scales", "opacities", "colors"])
def test_gaussians_of_unequal_length_are_refused_by_name(field: str) -> None:
    parts = dict(random_gaussians(5).tensors())
    parts[field] = parts[field][:4]
    with pytest.raises(ValueError, match="Gaussians"):
        Gaussians(**parts)
