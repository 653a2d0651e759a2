"""max_resolution=auto is a number before anything else reads it, and a machine with more gets at least as much."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vistadream.config import compose, resolution, with_resolution
from vistadream.config.resolution import PATIENCE_S, SIZES_PX, Machine, largest_size

machines = st.builds(Machine, st.integers(1, 256), st.integers(0, 2 * 10**12), st.booleans())


@given(machines, st.integers(1, 8), st.integers(0, 10**12))
def test_more_of_anything_never_gives_a_smaller_picture(machine: Machine, cores: int, memory: int) -> None:
    more = dataclasses.replace(machine, cores=machine.cores + cores, free_bytes=machine.free_bytes + memory)
    sizes = [int(largest_size(m).name) for m in (machine, more, dataclasses.replace(more, gpu=True))]
    assert sizes == sorted(sizes)


@given(machines)
def test_a_larger_size_than_the_least_has_the_time_and_the_memory(machine: Machine) -> None:
    size = int(largest_size(machine).name)
    assert size in SIZES_PX
    assert size == min(SIZES_PX) or (machine.holds(size) and machine.seconds(size) <= PATIENCE_S)


@pytest.mark.parametrize(
    ("machine", "size", "words"),
    [
        (Machine(2, 16 * 10**9, gpu=False), "512", "2 cores, 16 GB of free memory, no GPU; 768 would take about"),
        (Machine(64, 10**12, gpu=False), "1024", "64 cores, 1000 GB of free memory, no GPU"),
        (Machine(4, 64 * 10**9, gpu=True), "1024", "a GPU"),
        (Machine(4, 3 * 10**9, gpu=True), "512", "768 would take more than half of the memory"),
    ],
)
def test_the_reason_names_what_the_machine_has_and_what_was_too_much(machine: Machine, size: str, words: str) -> None:
    choice = largest_size(machine)
    assert (choice.name, words in choice.reason) == (size, True), choice.reason


def test_the_word_is_replaced_and_a_given_number_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolution, "_this_machine", lambda asked: Machine(64, 10**12, gpu=False))
    assert compose(["max_resolution=auto"]).plain("max_resolution") == 1024
    assert compose(["max_resolution=300"]).plain("max_resolution") == 300
    assert with_resolution(["seed=1", "max_resolution=768"]) == (["seed=1", "max_resolution=768"], None)
    assert with_resolution(["max_resolution=auto", "seed=1"])[0] == ["seed=1", "max_resolution=1024"]
