"""What a backend needs in order to run, as its class declares it in `NEEDS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DIFFUSION = ("diffusers", "transformers", "accelerate", "huggingface_hub")
"""Packages of every backend with a diffusion model."""


@dataclass(frozen=True)
class Needs:
    """Class attribute of a backend: `NEEDS = Needs(...)`. A class without it runs on any machine.

    It is read without importing any of the packages.
    """

    packages: tuple[str, ...] = ()
    """Import names; `packages.INSTALL` has the command that installs each."""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Device (cuda, cpu) -> names in `weights.table.MODELS`, the main model first."""
    gpu: bool = False
    """It cannot run without an NVIDIA GPU."""
    compiler: bool = False
    """It compiles CUDA kernels at first use, unless they came with its package."""
    slow_on_cpu: bool = False
    """`auto` takes it only on a GPU; on a CPU it runs where it is named."""
    may_download: bool = False
    """`auto` takes it on a GPU even if its models have to be downloaded first."""
    prompt: bool = False
    """Its result depends on the prompt, so that a captioner is worth its time."""
    remark: str = ""
    """What a user should know where `auto` takes it for lack of a better one."""

    def models_on(self, device: str) -> tuple[str, ...]:
        """Its models on a device, cuda or cpu."""
        return self.models.get(device, ())


def on_any_device(*models: str) -> dict[str, tuple[str, ...]]:
    """`Needs.models` of a backend that uses all of these models, on every device."""
    return {"cuda": models, "cpu": models}
