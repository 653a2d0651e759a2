"""What `auto` means for each role: the best backend that can run here, with the reason.

Without a GPU it never takes one that would download something.
"""

from __future__ import annotations

from dataclasses import dataclass

from vistadream.backends.machine import Machine, this_machine
from vistadream.backends.packages import INSTALL
from vistadream.backends.weights.table import DEFAULT_DA3, DEFAULT_MOGE, MODELS
from vistadream.core import UserError

ROLES = ("depth", "outpaint", "render", "caption")
_DIFFUSION = ("diffusers", "transformers", "accelerate", "huggingface_hub")
_PACKAGES = {
    "depth/moge": ("moge", "utils3d", "scipy", "huggingface_hub"),
    "depth/depth_anything": ("depth_anything_3", "addict", "einops", "huggingface_hub"),
    "render/gsplat": ("gsplat",),
    "outpaint/flux_fill": _DIFFUSION,
    "outpaint/flux2_klein": (*_DIFFUSION, "diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint"),
    "text_to_image/flux2_klein": _DIFFUSION,
    "caption/vlm": ("transformers", "huggingface_hub"),
}
_PAINTERS = {"flux_fill": ("flux-fill", "flux-text"), "flux2_klein": ("flux2-klein-4b",)}
"""Outpainters that read a prompt, by quality, each with its models."""


@dataclass(frozen=True)
class Choice:
    """A backend and why it was taken."""

    name: str
    reason: str


def choose(
    role: str, machine: Machine | None = None, accept_noncommercial: bool = False, outpainter: str = "embedded"
) -> Choice:
    """The backend of a role for a machine; for this one unless another is given.

    One whose licence forbids commercial use is taken only where the user accepts that. A captioner looks at the picture
    only for an `outpainter` that reads what it says.
    """
    match role:
        case "depth":
            return _depth(machine or this_machine())
        case "render":
            return _render(machine or this_machine())
        case "outpaint":
            return _outpaint(machine or this_machine(), accept_noncommercial)
        case "caption":
            return _caption(machine or this_machine(), outpainter)
    raise ValueError(f"role: got {role!r}; wanted one of {ROLES}")


def choose_text_to_image(machine: Machine | None = None) -> Choice:
    """The backend that makes pictures from words. UserError where none can: what to fetch, and what to do without."""
    machine = machine or this_machine()
    lacking = [*_lacking("text_to_image/flux2_klein", machine), *_weights_lacking("flux2-klein-4b", machine)]
    if lacking:
        raise UserError(
            f"prompt= has a picture made by FLUX.2-klein, which lacks {'; '.join(lacking)}; wanted all of that, then "
            "the same command again, or a picture of yours with image="
        )
    return Choice("flux2_klein", f"flux2-klein-4b {_where(machine)}, its weights are here")


def check(role: str, name: str, machine: Machine | None = None) -> None:
    """UserError that says what is missing when the named backend cannot run on the machine."""
    backend = f"{role}/{name}"
    if backend not in _PACKAGES:
        return
    if lacking := _lacking(backend, machine or this_machine()):
        raise UserError(f"backends/{role}={name} cannot run here: it lacks {'; '.join(lacking)}")


def _lacking(backend: str, machine: Machine) -> list[str]:
    """What a backend lacks, each with how to get it."""
    commands: dict[str, str] = {}  # one command may install several packages
    for package in _PACKAGES[backend]:
        if package not in machine.packages:
            commands.setdefault(INSTALL[package], package)
    lacking = [f"the package {package} ({command})" for command, package in commands.items()]
    if backend == "render/gsplat" and not machine.cuda:
        lacking.append("an NVIDIA GPU that torch sees")
    if backend == "render/gsplat" and not machine.compiler:
        lacking.append("nvcc of the CUDA toolkit and a C++ compiler, which compile its kernels at first use")
    return lacking


def _weights_lacking(model: str, machine: Machine) -> list[str]:
    """What to say of weights that are not here."""
    size = f"{MODELS[model].bytes_about / 1e9:.2g} GB"
    return [] if model in machine.weights else [f"its weights, {size} (vistadream download {model})"]


def _where(machine: Machine) -> str:
    return "on the GPU" if machine.cuda else "on the CPU"


def _depth(machine: Machine) -> Choice:
    device = "cuda" if machine.cuda else "cpu"
    model, second = MODELS[DEFAULT_MOGE[device]], DEFAULT_DA3[device]
    here = model.name in machine.weights
    where, lacking = _where(machine), _lacking("depth/moge", machine)
    if here and not lacking:
        return Choice("moge", f"{model.name} {where}, its weights are here")
    size = f"{model.bytes_about / 1e9:.2g} GB"
    if machine.cuda and not lacking and not machine.offline:
        return Choice("moge", f"{model.name} {where}; fetches its weights first, about {size}")
    if second in machine.weights and not _lacking("depth/depth_anything", machine):
        return Choice("depth_anything", f"{second} {where}, its weights are here")
    if not machine.cuda:
        return Choice("embedded", "approximate, needs no download; MoGe-2 is better: docs/weights.md")
    lacking += _weights_lacking(model.name, machine)
    return Choice("embedded", f"approximate, needs no download; MoGe-2 is better and lacks {'; '.join(lacking)}")


def _outpaint(machine: Machine, accept_noncommercial: bool) -> Choice:
    """Only with a GPU, and never by a download: these are tens of gigabytes, which `vistadream download` fetches."""
    if not machine.cuda:
        return Choice("embedded", "needs no download")
    for name, models in _PAINTERS.items():
        free = all(MODELS[model].licence.commercial for model in models)
        here = machine.weights.issuperset(models) and not _lacking(f"outpaint/{name}", machine)
        if here and (free or accept_noncommercial):
            return Choice(name, f"{models[0]} on the GPU, its weights are here")
    lacking = [*_lacking("outpaint/flux2_klein", machine), *_weights_lacking("flux2-klein-4b", machine)]
    return Choice("embedded", f"needs no download; FLUX.2-klein paints better and lacks {'; '.join(lacking)}")


def _caption(machine: Machine, outpainter: str) -> Choice:
    if outpainter not in _PAINTERS:
        return Choice("fixed", f"outpainter {outpainter} reads no prompt")
    lacking = [*_lacking("caption/vlm", machine), *_weights_lacking("blip-base", machine)]
    if lacking:
        return Choice("fixed", f"says the same of every picture; vlm looks at it and lacks {'; '.join(lacking)}")
    return Choice("vlm", f"blip-base {_where(machine)}, its weights are here")


def _render(machine: Machine) -> Choice:
    if not machine.cuda:
        return Choice("cpu", "runs on any machine")
    if lacking := _lacking("render/gsplat", machine):
        return Choice("cpu", f"runs on any machine; gsplat is faster and lacks {'; '.join(lacking)}")
    return Choice("gsplat", "on the GPU")
