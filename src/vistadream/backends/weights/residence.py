"""Large models take turns on the GPU, and work continues with a smaller budget when the GPU is full."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch

from vistadream.backends import main_memory
from vistadream.backends.weights.policy import Budget, budget_for
from vistadream.backends.weights.table import Model
from vistadream.core import FullMemoryError, Note, tell

T = TypeVar("T")
_FULL = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""Messages of libraries below torch when memory is full, in a plain RuntimeError."""


def free_vram_bytes() -> int | None:
    """The GPU's free memory, with what torch has reserved and does not use; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


class Residence:
    """Holds loaded models; the least recently used one is unloaded when the next one needs its memory.

    Without a GPU it holds one at a time, and also after the GPU was full although the figures said otherwise.
    """

    def __init__(self, free_bytes: Callable[[], int | None] = free_vram_bytes):
        self.free_bytes = free_bytes
        self._held: dict[Hashable, Any] = {}
        self._one_at_a_time = False

    def __call__(self, key: Hashable, load: Callable[[], T], need_gb: float) -> T:
        """The model of `key`, loaded if it is not held; `need_gb` is its peak memory in use.

        A frozen backend together with its policy makes a good key. Callers must not keep a reference to the model.
        """
        if key not in self._held:
            while self._held and not self._has_room(need_gb):
                del self._held[next(iter(self._held))]
                _free_unused()
            self._held[key] = load()
        self._held[key] = self._held.pop(key)  # moves it to the end: the most recently used
        return self._held[key]

    def drop(self, key: Hashable) -> None:
        """Unloads the model of `key`, if it is held."""
        if self._held.pop(key, None) is not None:
            _free_unused()

    def release(self) -> None:
        """Unloads every model and frees its GPU memory."""
        self._held.clear()
        _free_unused()

    def make_room(self) -> bool:
        """Unloads all models; returns True if more than one was loaded, and keeps one at a time from then on."""
        several = len(self._held) > 1
        self._one_at_a_time |= several
        self.release()
        return several

    def _has_room(self, need_gb: float) -> bool:
        free = self.free_bytes()
        return free is not None and not self._one_at_a_time and free >= need_gb * 1e9


def _free_unused() -> None:
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        empty = getattr(torch.accelerator, "empty_host_cache", None) or getattr(torch._C, "_host_emptyCache", None)
        if empty is not None:  # the name depends on torch's version
            empty()


resident = Residence()
"""The residence of this process."""


class Ladder:
    """Runs pieces of work within a budget; when the GPU is full it frees memory, steps down and repeats that piece.

    Split the work where a result is worth keeping, so that nothing is computed twice:

        embeds = ladder(lambda budget: encode(prompt, budget))
        latents = ladder(lambda budget: denoise(embeds, budget))

    A step down lasts as long as the Ladder. Keep one with each backend, for instance as a `functools.cached_property`.
    """

    def __init__(self, model: Model, asked: str, residence: Residence = resident, on_cpu: bool = False):
        """`on_cpu`: the model works on the CPU, whatever the GPU has free."""
        self._on_cpu = on_cpu
        self._model = model
        self._asked = asked
        self._residence = residence
        self._budget: Budget | None = None

    def __call__(self, work: Callable[[Budget], T]) -> T:
        """The result of `work(budget)`.

        FullMemoryError if even `low` does not fit, ValueError if `asked` is not a policy.
        """
        while True:
            budget = self._choose()
            try:
                return work(budget)
            except RuntimeError as error:
                if not is_full(error):
                    raise
            # Only here is the error released, and with it the stack frames that kept tensors alive.
            if not self._residence.make_room():
                self._step_down(budget)

    def _choose(self) -> Budget:
        if self._budget is None:
            self._residence.release()  # the memory of other models is available to this one
            free = None if self._on_cpu else self._residence.free_bytes()
            self._budget, reason = budget_for(self._asked, self._model.memory, free, main_memory.free_bytes())
            self._note(f"memory={self._budget.policy} ({reason})")
        return self._budget

    def _step_down(self, budget: Budget) -> None:
        model = self._model
        if budget.smaller is None:
            others = " or ".join([*model.alternatives, model.without_weights])
            raise FullMemoryError(
                f"{model.name} does not fit the GPU even with memory=low; wanted a smaller task: lower max_resolution, "
                "lower expansion, lower max_views of several photos, or take another model with "
                f"backends/{model.role} ({others}); other programs use the GPU's memory too"
            )
        self._budget = budget.smaller
        self._note(f"the GPU is full; going on with memory={budget.smaller.policy}", "warning")

    def _note(self, text: str, level: str = "info") -> None:
        tell(f"memory/{self._model.name}", Note(f"{self._model.name}: {text}", level))


def is_full(error: RuntimeError) -> bool:
    """Whether an error says that the GPU's memory is full."""
    return isinstance(error, torch.OutOfMemoryError) or any(message in str(error) for message in _FULL)
