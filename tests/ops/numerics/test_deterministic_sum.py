"""Sums: right, differentiable, and the same bits with any number of threads."""

import pytest
import torch

from vistadream.ops.numerics.deterministic_sum import mean, total


@pytest.mark.parametrize("size", [0, 1, 1023, 1025, 3_000_001])
def test_totals_are_the_sum_whatever_the_size(size):
    x = torch.rand(size, generator=torch.Generator().manual_seed(size))
    assert float(total(x)) == pytest.approx(float(x.double().sum()), rel=1e-6)


def test_any_number_of_threads_gives_the_same_bits():
    x = torch.randn(600, 800, 3, generator=torch.Generator().manual_seed(0)).exp()
    threads, found = torch.get_num_threads(), set()
    try:
        for count in (1, 2, 3, 5, 8):
            torch.set_num_threads(count)
            found.add((float(total(x)), float(mean(x))))
    finally:
        torch.set_num_threads(threads)
    assert len(found) == 1


def test_every_entry_has_the_same_part_in_it():
    x = torch.rand(50, 70, requires_grad=True)
    mean(x).backward()
    assert torch.equal(x.grad, torch.full_like(x, 1 / 3500))
