"""Big models take turns on the graphics card, and work goes on with less when the card is full."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import torch

from vistadream.backends.weights.policy import Policy, choose
from vistadream.backends.weights.table import Model
from vistadream.core import Note, UserError, tell

T = TypeVar("T")
_FULL = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""How libraries below torch say it, in a plain RuntimeError."""


def free_vram_bytes() -> int | None:
    """What the current graphics card has free, with what torch holds without using it; None without a card."""
    if not torch.cuda.is_available():
        return None
    return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


class Residence:
    """Holds loaded models; the one least recently used leaves when the next needs its room.

    Without a card, and after a card was found full in spite of the figures, it holds one at a time.
    """

    def __init__(self, free_bytes: Callable[[], int | None] = free_vram_bytes):
        self.free_bytes = free_bytes
        self._held: dict[Hashable, Any] = {}
        self._alone = False

    def __call__(self, key: Hashable, load: Callable[[], T], need_gb: float) -> T:
        """The model of `key`, loaded if it is not held; `need_gb` is what it needs while it works.

        A frozen backend together with its policy makes a good key. Callers keep no reference of their own.
        """
        if key not in self._held:
            while self._held and not self._has_room(need_gb):
                del self._held[next(iter(self._held))]
                _give_back()
            self._held[key] = load()
        self._held[key] = self._held.pop(key)  # the last is the one used last
        return self._held[key]

    def release(self) -> None:
        """Lets go of every model and gives their memory back to the card."""
        self._held.clear()
        _give_back()

    def make_room(self) -> bool:
        """After the card was full: releases all, and says whether a model had company, which none has from now on."""
        company = len(self._held) > 1
        self._alone |= company
        self.release()
        return company

    def _has_room(self, need_gb: float) -> bool:
        free = self.free_bytes()
        return free is not None and not self._alone and free >= need_gb * 1e9


def _give_back() -> None:
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


resident = Residence()
"""The one of this process."""


class Ladder:
    """Runs pieces of work under a policy; when the card is full it frees, steps down and runs that piece again.

    Cut the work where a result is worth keeping, and nothing is computed twice:

        embeds = ladder(lambda policy: encode(prompt, policy))
        latents = ladder(lambda policy: denoise(embeds, policy))

    A step down lasts as long as the Ladder. Keep one with each backend, for instance as a `functools.cached_property`.
    """

    def __init__(self, model: Model, asked: str, residence: Residence = resident):
        self._model = model
        self._asked = asked
        self._residence = residence
        self._policy: Policy | None = None

    def __call__(self, work: Callable[[Policy], T]) -> T:
        """`work(policy)`. Raises UserError when even `low` does not fit, ValueError when `asked` is no policy."""
        while True:
            policy = self._choose()
            try:
                return work(policy)
            except RuntimeError as error:
                if not _is_full(error):
                    raise
            # not before here is the error gone, and with it the frames that kept their tensors alive
            if not self._residence.make_room():
                self._step_down(policy)

    def _choose(self) -> Policy:
        if self._policy is None:
            if self._asked == "auto":
                self._residence.release()  # what others hold is free for this one
            self._policy, why = choose(self._asked, self._model.memory, self._residence.free_bytes())
            self._say(f"memory={self._policy} ({why})")
        return self._policy

    def _step_down(self, policy: Policy) -> None:
        model = self._model
        if policy.smaller is None:
            others = " or ".join([*model.alternatives, "embedded"])
            raise UserError(
                f"{model.name} does not fit the GPU even with memory=low; wanted a smaller task: lower max_resolution, "
                f"lower expansion, or take another model with backends/{model.role} ({others}); other programs use the "
                "GPU's memory too"
            )
        self._policy = policy.smaller
        self._say(f"the GPU is full; going on with memory={policy.smaller}", "warning")

    def _say(self, text: str, level: str = "info") -> None:
        tell(f"memory/{self._model.name}", Note(f"{self._model.name}: {text}", level))


def _is_full(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _FULL)
