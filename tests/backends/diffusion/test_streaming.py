"""Blocks that take turns in two slots compute what they would compute side by side."""

import contextlib
import gc
import itertools
import types
import weakref

import pytest
import torch
from torch import nn

from vistadream.backends.diffusion import streaming
from vistadream.backends.diffusion.streaming import Streamed

CPU = torch.device("cpu")


def network(count=5, width=24):
    """Blocks of several sizes and types, with a buffer and a number."""
    torch.manual_seed(0)
    blocks = nn.ModuleList()
    for i in range(count):
        block = nn.Sequential(nn.Linear(width, width + i), nn.Tanh(), nn.Linear(width + i, width, dtype=torch.float32))
        block.register_buffer("steps", torch.tensor(3 + i))
        blocks.append(block)
    return blocks.requires_grad_(False)


def through(blocks, x):
    for block in blocks:
        x = block(x) / block.steps
    return x


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("chosen", [[0], [1, 3], [0, 2, 4], [0, 1, 2, 3, 4]])
def test_it_computes_the_same_bits_step_after_step(pinned, chosen):
    blocks, x = network(), torch.randn(7, 24)
    expected = through(blocks, x)
    Streamed([blocks[i] for i in chosen], CPU, pinned)
    for _ in range(3):
        assert torch.equal(through(blocks, x), expected)


def test_an_error_in_the_middle_and_another_order_do_no_harm():
    blocks, x = network(), torch.randn(7, 24)
    expected, third = through(blocks, x), blocks[3](x)
    Streamed(list(blocks), CPU, pinned=True)
    with pytest.raises(RuntimeError, match="shapes"):
        blocks[1](torch.randn(7, 3))
    assert torch.equal(through(blocks, x), expected)
    assert torch.equal(blocks[3](x), third)
    assert torch.equal(through(blocks, x), expected)


def test_only_two_blocks_are_on_the_device_and_the_next_one_comes_while_one_runs(monkeypatch):
    blocks, events = network(), []
    copy_to = streaming._Stored.copy_to
    names = {id(block): i for i, block in enumerate(blocks)}

    def copied(stored, slot):
        events.append(f"copy {names[id(stored.module)]}")
        copy_to(stored, slot)

    monkeypatch.setattr(streaming._Stored, "copy_to", copied)
    streamed = Streamed(list(blocks), CPU, pinned=True)
    for i, block in enumerate(blocks):
        block[1].register_forward_hook(lambda *_, i=i: events.append(f"run {i}"))
    through(blocks, torch.randn(2, 24))
    assert events == [
        *("copy 0", "copy 1", "run 0", "copy 2", "run 1", "copy 3", "run 2", "copy 4", "run 3", "copy 0", "run 4")
    ]
    slots = {slot.memory.data_ptr() for slot in streamed._slots}
    assert len(slots) == 2
    ends = [p.untyped_storage().data_ptr() for p in blocks.parameters()]
    assert set(ends) <= slots, "all weights are views of the slots"


def test_with_pinned_memory_nothing_stays_where_it_was():
    blocks = network()
    before = [weakref.ref(p.data.untyped_storage()) for p in blocks.parameters()]
    sizes = sum(t.nbytes for t in (*blocks.parameters(), *blocks.buffers()))
    streamed = Streamed(list(blocks), CPU, pinned=True)
    gc.collect()
    assert [ref() for ref in before] == [None] * len(before)
    held = sum(piece.untyped_storage().nbytes() for stored in streamed._blocks for _, piece in stored._pieces)
    assert held >= sizes


@pytest.mark.parametrize("mib", [0.3, 1, 3, 63, 64, 65, 200])
def test_pieces_of_pinned_memory_are_powers_of_two_so_that_torch_does_not_round_them_up(mib):
    size = int(mib * 2**20) // 256 * 256
    held = [(0, torch.randint(0, 255, (size,), dtype=torch.uint8))]
    pieces = streaming._pinned(held, size, CPU)
    lengths = [piece.untyped_storage().nbytes() for _, piece in pieces]
    assert all(length & (length - 1) == 0 for length in lengths)
    assert sum(lengths) <= size + 2**20
    assert torch.equal(torch.cat([piece for _, piece in pieces]), held[0][1])


class Queues:
    """What torch.cuda offers for streams and events, by the rules of CUDA: a queue of operations for each stream."""

    def __init__(self):
        Queues.Stream.queues = self
        self.now = self.Stream()
        self.before: list[set[int]] = []
        """For each operation those that must end before it begins."""
        self.slots: list[tuple[int, int, str]] = []
        """(operation, slot, what) of each copy to a slot and each use of it."""

    def note(self, after: set[int] | None = None) -> int:
        """Appends an operation to the present stream; it follows the one before it, and `after`."""
        return self.now.append(after)

    class Stream:
        def __init__(self, device=None):
            self.last: set[int] = set()

        def append(self, after=None):
            before = Queues.Stream.queues.before
            number = len(before)
            direct = self.last | (after or set())
            before.append(set().union(direct, *(before[i] for i in direct)))
            self.last = {number}
            return number

        def wait_event(self, event):
            self.append(event.at)

    class Event:
        def __init__(self):
            self.at: set[int] = set()

        def record(self, stream):
            self.at = set(stream.last)

    def current_stream(self, device=None):
        return self.now

    @contextlib.contextmanager
    def stream(self, stream):
        before, self.now = self.now, stream
        yield
        self.now = before


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_no_slot_is_filled_while_a_block_may_read_it_and_none_is_read_before_it_is_full(monkeypatch, count):
    """With the streams and events of CUDA, in whatever order the GPU runs what need not wait."""
    queues, blocks = Queues(), network(count)
    cuda = types.SimpleNamespace(Stream=queues.Stream, Event=queues.Event)
    cuda.current_stream, cuda.stream = queues.current_stream, queues.stream
    known = {name: getattr(torch, name) for name in ("uint8", "Tensor")}
    empty = lambda size, dtype, device=None, pin_memory=False: torch.empty(size, dtype=dtype)  # noqa: E731
    monkeypatch.setattr(streaming, "torch", types.SimpleNamespace(cuda=cuda, empty=empty, **known))
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
    copy_to, point_to = streaming._Stored.copy_to, streaming._Stored.point_to

    def copied(stored, slot):
        queues.slots.append((queues.note(), id(slot), f"copy of {id(stored)}"))
        copy_to(stored, slot)

    def used(stored, slot):
        stored.slot = slot
        point_to(stored, slot)

    monkeypatch.setattr(streaming._Stored, "copy_to", copied)
    monkeypatch.setattr(streaming._Stored, "point_to", used)
    monkeypatch.setattr(streaming._Slot, "__init__", slot_of(queues))
    streamed = Streamed(list(blocks), types.SimpleNamespace(type="cuda"), pinned=True)
    for stored in streamed._blocks:
        stored.module[0].register_forward_pre_hook(
            lambda *_, stored=stored: queues.slots.append((queues.note(), id(stored.slot), f"use of {id(stored)}"))
        )
    for _ in range(3):
        through(blocks, torch.randn(2, 24))
    assert len({slot for _, slot, _ in queues.slots}) == min(count, 2)
    for slot in {slot for _, slot, _ in queues.slots}:
        events = [(number, what) for number, at, what in queues.slots if at == slot]
        for (first, _), (second, _) in itertools.pairwise(events):
            assert first in queues.before[second], "one waits for the other"
    uses = [(number, slot, what) for number, slot, what in queues.slots if what.startswith("use")]
    assert len(uses) == 3 * count
    for number, slot, what in uses:
        *_, (_, last) = [(n, w) for n, s, w in queues.slots if s == slot and n < number and w.startswith("copy")]
        assert last.split()[-1] == what.split()[-1], "the slot holds this block"
    if count > 1:
        copies = [number for number, _, what in queues.slots if what.startswith("copy")]
        assert any(uses[1][0] not in queues.before[n] and uses[0][0] not in queues.before[n] for n in copies[1:3])


def slot_of(queues):
    """A slot whose memory is on the CPU and whose events are those of the queues."""

    def init(slot, memory):
        slot.memory = memory
        slot._full, slot._free = queues.Event(), queues.Event()
        slot.free()

    return init
