"""Blocks of layers that are copied to the device just before they run, each while the block before it runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

_ALIGNED = 256
"""Tensors begin at multiples of this many bytes."""
_LARGEST_PIECE, _SMALLEST_PIECE = 1 << 26, 1 << 20
"""Bytes of a piece of pinned memory: powers of two, to which torch would round up otherwise."""


class Streamed:
    """Lets blocks take turns in two slots on the device; their hooks do the rest. Blocks run one after another.

    With CUDA, copies run in a stream of their own, and neither the CPU nor the block that runs waits for them. Between
    two runs the parameters of a block are views of a slot, with the values of any block.
    """

    def __init__(self, blocks: Iterable[nn.Module], device: torch.device, pinned: bool):
        """Takes one block after another, and with `pinned` leaves nothing of it where it was."""
        self._blocks = [_Stored(block, device, pinned) for block in blocks]
        size = max(block.size for block in self._blocks)
        self._slots = [_Slot(torch.empty(size, dtype=torch.uint8, device=device)) for _ in range(2)]
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        if self._stream is not None:  # a copy may be on its way when the slots are freed
            for slot in self._slots:
                slot.memory.record_stream(self._stream)
        self._fetched: tuple[int, _Slot] | None = None
        for i, block in enumerate(self._blocks):
            block.module.register_forward_pre_hook(partial(self._before, i))
            block.module.register_forward_hook(partial(self._after, i))
            block.point_to(self._slots[0])

    def _before(self, i: int, *_: object) -> None:
        """The block's weights are there when it runs, and those of the next block are on their way."""
        if self._fetched is None or self._fetched[0] != i:
            self._fetched = i, self._fetch(i, self._slots[0])
        slot = self._fetched[1]
        slot.wait()
        self._blocks[i].point_to(slot)
        self._running = slot
        if len(self._blocks) > 1:
            following = (i + 1) % len(self._blocks)
            self._fetched = following, self._fetch(following, self._slots[self._slots[0] is slot])

    def _after(self, i: int, *_: object) -> None:
        self._blocks[i].point_to(self._running)  # lets go of what layers cast
        self._running.free()

    def _fetch(self, i: int, slot: _Slot) -> _Slot:
        if self._stream is None:
            self._blocks[i].copy_to(slot)
            return slot
        with torch.cuda.stream(self._stream):
            slot.wait_until_free(self._stream)
            self._blocks[i].copy_to(slot)
            slot.filled(self._stream)
        return slot


class _Slot:
    """Memory on the device for one block, and the events that order copies and computations with CUDA."""

    def __init__(self, memory: Tensor):
        self.memory = memory
        cuda = memory.device.type == "cuda"
        self._full, self._free = (torch.cuda.Event(), torch.cuda.Event()) if cuda else (None, None)
        self.free()

    def filled(self, stream: torch.cuda.Stream) -> None:
        if self._full is not None:
            self._full.record(stream)

    def wait(self) -> None:
        """What is computed from now on waits for the copy."""
        if self._full is not None:
            torch.cuda.current_stream(self.memory.device).wait_event(self._full)

    def free(self) -> None:
        """What was computed until now was the last that reads the slot."""
        if self._free is not None:
            self._free.record(torch.cuda.current_stream(self.memory.device))

    def wait_until_free(self, stream: torch.cuda.Stream) -> None:
        if self._free is not None:
            stream.wait_event(self._free)


class _Stored:
    """A block's weights outside of the device: in pinned memory, or where they are, as in a mapped file."""

    def __init__(self, block: nn.Module, device: torch.device, pinned: bool):
        self.module = block
        self._tensors = [*block.parameters(), *block.buffers()]
        self._like = [(t.dtype, t.shape, t.nbytes) for t in self._tensors]
        self._at: list[int] = []
        self.size = 0
        for tensor in self._tensors:
            self._at.append(self.size)
            self.size += -(-tensor.nbytes // _ALIGNED) * _ALIGNED
        held = [(at, _bytes(t)) for at, t in zip(self._at, self._tensors, strict=True)]
        self._pieces = _pinned(held, self.size, device) if pinned else held
        for tensor in self._tensors:
            tensor.data = torch.empty(0, dtype=tensor.dtype)

    def copy_to(self, slot: _Slot) -> None:
        for at, piece in self._pieces:
            slot.memory[at : at + len(piece)].copy_(piece, non_blocking=True)

    def point_to(self, slot: _Slot) -> None:
        """Makes the block's parameters views of the slot."""
        for tensor, at, (dtype, shape, size) in zip(self._tensors, self._at, self._like, strict=True):
            tensor.data = slot.memory[at : at + size].view(dtype).view(shape)


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().view(-1).view(torch.uint8)


def _pinned(held: list[tuple[int, Tensor]], size: int, device: torch.device) -> list[tuple[int, Tensor]]:
    """Copies of the bytes, each with its offset, in pieces of pinned memory (plain memory without CUDA)."""
    pin, whole = device.type == "cuda", torch.empty(size, dtype=torch.uint8, device=held[0][1].device)
    for at, values in held:
        whole[at : at + len(values)] = values
    pieces, at = [], 0
    while at < size:
        length = min(_LARGEST_PIECE, max(_SMALLEST_PIECE, 1 << (size - at).bit_length() - 1))
        piece = torch.empty(length, dtype=torch.uint8, pin_memory=pin)[: size - at]
        pieces.append((at, piece.copy_(whole[at : at + length])))
        at += length
    return pieces
