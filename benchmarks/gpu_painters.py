"""Seconds and memory of the large models under each budget, with weights mapped from files of the published size."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import gpu_models
import torch

from vistadream.backends.depth.moge import MogeDepth
from vistadream.backends.outpaint.flux2_klein import KleinOutpainter
from vistadream.backends.outpaint.flux_fill import FluxFill
from vistadream.backends.splats.sharp import load
from vistadream.backends.splats.sharp.network import SharpNetwork
from vistadream.backends.splats.sharp.predict import Sharp
from vistadream.backends.splats.sharp.sizes import PUBLISHED
from vistadream.backends.weights.policy import Policy
from vistadream.backends.weights.residence import resident
from vistadream.config import configured
from vistadream.core import Camera, Note, View, use_observer
from vistadream.ops.image.pixels import pad_mask
from vistadream.runs.resource_usage import ResourceUsage

COLUMNS = "policy | first s | then s | peak VRAM GB | main memory GB without mapped files | pinned GB | how"
_FILES_BYTES = 60e9
"""Free space from which files of weights go to memory (/dev/shm), where mapping a sparse file is fast."""


def flux_fill(tiny: bool, scratch: Path) -> Iterator[str]:
    """FLUX.1-Fill, 12 B, with its text encoders, 4.9 B."""
    folder = gpu_models.write_flux(scratch / "flux", gpu_models.TINY_FLUX if tiny else gpu_models.FLUX)

    def painter(policy: Policy, steps: int) -> Any:
        return FluxFill(folder, None, True, "auto", policy, steps, 30.0, 1024, 4.0)

    return paint(painter, 1 if tiny else 25, tiny)


def flux2_klein(tiny: bool, scratch: Path) -> Iterator[str]:
    """FLUX.2-klein, 4 B, with its text encoder, 4 B."""
    folder = gpu_models.write_klein(scratch / "klein", gpu_models.TINY_KLEIN if tiny else gpu_models.KLEIN)
    patches = configured("backends/outpaint=embedded")

    def painter(policy: Policy, steps: int) -> Any:
        return KleinOutpainter("smooth", patches, folder, "auto", policy, steps, 1024, 4.0)

    return paint(painter, 1 if tiny else 4, tiny)


def paint(painter: Callable[[Policy, int], Any], steps: int, tiny: bool) -> Iterator[str]:
    """A square picture with a border."""
    side = 64 if tiny else 1024
    hole = pad_mask(side * 3 // 4, side * 3 // 4, side // 8, side // 8)
    rgb = torch.where(hole[..., None], 0, torch.rand(side, side, 3))

    def work(policy: Policy) -> Callable[[int], Any]:
        outpaint = painter(policy, steps)
        return lambda seed: outpaint(rgb, hole, "a sunlit library", seed)

    return policies(work)


def depth(tiny: bool, scratch: Path) -> Iterator[str]:
    """MoGe-2 as published, ViT-L (331 M), or a small one."""
    from moge.model.v2 import MoGeModel

    config = moge_config(tiny)
    torch.save({"model_config": config, "model": MoGeModel(**config).state_dict()}, scratch / "model.pt")
    view = _photo(tiny)

    def work(policy: Policy) -> Callable[[int], Any]:
        estimate = MogeDepth("auto", scratch, "auto", policy, None, 0.005)
        return lambda seed: estimate([view])

    return policies(work)


def moge_config(tiny: bool) -> dict:
    """The published sizes (configs/train/v2.json of microsoft/MoGe), or the small backbone with thin heads."""
    width, thin = (384, [8] * 5) if tiny else (1024, [1024, 256, 128, 64, 32])

    def stack(dims_in: list[int], dim_out: int | None, blocks: list[int]) -> dict:
        plain = {"res_block_in_norm": "none", "res_block_hidden_norm": "none"}
        up = ["conv_transpose"] * 3 + ["bilinear"]
        out = None if dim_out is None else [None] * 4 + [dim_out]
        return {
            "dim_in": dims_in,
            "dim_out": out,
            "dim_res_blocks": thin,
            "num_res_blocks": blocks,
            "resamplers": up,
        } | plain

    heads = {
        name: stack(thin, out, [0, 1, 1, 1, 0])
        for name, out in (("points_head", 3), ("normal_head", 3), ("mask_head", 1))
    }
    layers = {
        "backbone": "dinov2_vits14" if tiny else "dinov2_vitl14",
        "intermediate_layers": [5, 11] if tiny else [5, 11, 17, 23],
    }
    return heads | {
        "encoder": layers | {"dim_out": thin[0]},
        "neck": stack([thin[0] + 2, 2, 2, 2, 2], None, [0, 2, 2, 2, 0]),
        "scale_head": {"dims": [width, width, width, 1]},
        "remap_output": "exp",
        "num_tokens_range": [12, 48] if tiny else [1200, 3600],
    }


def sharp(tiny: bool, scratch: Path) -> Iterator[str]:
    """SHARP in its published size, or a small one, with random weights."""
    sizes = gpu_models.TINY_SHARP if tiny else PUBLISHED
    file = scratch / "random.pt"
    torch.save(SharpNetwork(sizes).state_dict(), file)
    view = _photo(tiny)

    def work(policy: Policy) -> Callable[[int], Any]:
        predict = Sharp(file, "auto", policy, True, "keep")
        return lambda seed: predict(view, view.camera.fx)

    with patch.object(load, "PUBLISHED", sizes):
        yield from policies(work)


def _photo(tiny: bool) -> View:
    camera = Camera.from_fov(60, *((64, 48) if tiny else (1024, 768)))
    everywhere = torch.ones(camera.height, camera.width, dtype=torch.bool)
    return View("photo", camera, torch.rand(camera.height, camera.width, 3), None, everywhere, everywhere, ~everywhere)


def policies(work: Callable[[Policy], Callable[[int], Any]]) -> Iterator[str]:
    """A row for each policy: seconds of the first time, with loading and trials, and of the second; the most memory."""
    for policy in Policy:
        resident.release()
        gc.collect()
        notes: list[str] = []
        with limited(policy), use_observer(hearing(notes)), OwnMemory() as memory:
            act = work(policy)
            usages = [ResourceUsage(), ResourceUsage()]
            for seed, usage in enumerate(usages):
                with usage:
                    act(seed)
        peaks = [usage.peak_vram_bytes for usage in usages]
        vram = "no GPU" if None in peaks else f"{max(peaks) / 1e9:.1f}"
        pinned = f"{memory.pinned_bytes / 1e9:.1f}" if torch.cuda.is_available() else "no GPU"
        times = f"{usages[0].seconds:.1f} | {usages[1].seconds:.1f}"
        yield f"{policy} | {times} | {vram} | {memory.peak_bytes / 1e9:.1f} | {pinned} | {'; '.join(notes)}"


class OwnMemory:
    """Samples the main memory of this process that is not mapped from files, while the block runs."""

    def __init__(self) -> None:
        self.peak_bytes = self.pinned_bytes = 0
        self._stop = threading.Event()

    def __enter__(self) -> OwnMemory:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_host_memory_stats()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if torch.cuda.is_available():
            self.pinned_bytes = int(torch.cuda.host_memory_stats().get("allocated_bytes.peak", 0))

    def _sample(self) -> None:
        while True:
            facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.peak_bytes = max(self.peak_bytes, 1024 * int(facts["RssAnon"].split()[0]))
            if self._stop.wait(0.05):
                return


def hearing(notes: list[str]) -> Callable[..., None]:
    """An observer that keeps warnings and what is said about memory and places."""

    def observe(name: str, value: Any, step: int | None = None) -> None:
        if isinstance(value, Note) and (value.level == "warning" or name.startswith("memory/") or ":" in value.text):
            notes.append(value.text.partition(": ")[2] or value.text)

    return observe


@contextmanager
def limited(policy: Policy) -> Iterator[None]:
    """While the block runs torch may take as much of the card as the policy stands for."""
    if policy.card_bytes == float("inf") or not torch.cuda.is_available():
        yield
        return
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, policy.card_bytes / total))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def folder_for_files() -> str | None:
    """The folder for files of weights: in memory if it has room, else the usual one."""
    memory = "/dev/shm"
    return memory if os.path.isdir(memory) and shutil.disk_usage(memory).free > _FILES_BYTES else None
