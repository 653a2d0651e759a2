"""What `auto` takes for a role, with the reason, and what a named backend lacks.

Both are pure functions of what backends need (`Needs`) and what a machine has (`Machine`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vistadream.backends.machine import Machine, this_machine
from vistadream.backends.needs import Needs
from vistadream.backends.packages import INSTALL
from vistadream.backends.weights.table import MODELS, Model
from vistadream.core import UserError


@dataclass(frozen=True)
class Choice:
    """A backend and why it was taken."""

    name: str
    reason: str


def choose(
    role: str, candidates: Mapping[str, Needs], machine: Machine | None = None, accept_noncommercial: bool = False
) -> Choice:
    """The first of the candidates that can run on the machine; by default on this one.

    A backend whose license forbids commercial use is taken only if the user accepts that. Without a GPU, or offline, no
    backend is taken that would download something. Raises UserError if no candidate can run.
    """
    machine = machine or this_machine()
    missing: dict[str, list[str]] = {}
    for name, needs in candidates.items():
        if (needs.gpu or needs.slow_on_cpu) and not machine.cuda:
            continue
        lacking = [*_lacking(needs, machine), *_weights_lacking(needs, machine)]
        free = all(model.license.commercial for model in models_of(needs, machine))
        if not lacking and (free or accept_noncommercial):
            return Choice(name, _reason(needs, machine, missing))
        if free:
            missing[name] = lacking
    reasons = ", and ".join(f"{name} lacks {'; '.join(lacking)}" for name, lacking in missing.items())
    raise UserError(f"no backend of {role} can run here: {reasons}; wanted all of that, then the same command again")


def check(role: str, name: str, needs: Needs, machine: Machine | None = None) -> None:
    """UserError that lists what is missing if the named backend cannot run on the machine; by default on this one."""
    if not (needs.packages or needs.gpu or needs.compiler):
        return
    if lacking := _lacking(needs, machine or this_machine()):
        raise UserError(f"backends/{role}={name} cannot run here: it lacks {'; '.join(lacking)}")


def lacking(needs: Needs, machine: Machine) -> list[str]:
    """All that a backend lacks on the machine, weights that it could download included, each with how to get it."""
    return [*_lacking(needs, machine), *_weights_missing(needs, machine)]


def _reason(needs: Needs, machine: Machine, missing: Mapping[str, list[str]]) -> str:
    """Why a backend was taken, in one line; `missing` has what the better ones lack."""
    device = "on the GPU" if machine.cuda else "on the CPU"
    models = models_of(needs, machine)
    if models and machine.weights.issuperset(model.name for model in models):
        return f"{models[0].name} {device}, its weights are here"
    if models:
        return f"{models[0].name} {device}; downloads its weights first, about {_gigabytes(models[0])}"
    if needs.gpu:
        return device
    better = [f"{name} is better and lacks {'; '.join(lacking)}" for name, lacking in missing.items()]
    remarks = [needs.remark] if needs.remark else []
    return "; ".join([", ".join([*remarks, "runs on any machine, needs no download"]), *better[:1]])


def _lacking(needs: Needs, machine: Machine) -> list[str]:
    """What a backend lacks apart from weights, each with how to get it."""
    commands: dict[str, str] = {}  # one command may install several packages
    for package in needs.packages:
        if package not in machine.packages:
            commands.setdefault(INSTALL[package], package)
    lacking = [f"the package {package} ({command})" for command, package in commands.items()]
    if needs.gpu and not machine.cuda:
        lacking.append("an NVIDIA GPU that torch sees")
    if needs.compiler and not machine.compiler:
        lacking.append("nvcc of the CUDA toolkit and a C++ compiler, which compile its kernels at first use")
    return lacking


def _weights_lacking(needs: Needs, machine: Machine) -> list[str]:
    """The weights that are not here and that `auto` may not download, each with its command."""
    if needs.may_download and machine.cuda and not machine.offline:
        return []
    return _weights_missing(needs, machine)


def models_of(needs: Needs, machine: Machine) -> list[Model]:
    """The models that a backend uses on the machine, the main one first."""
    return [MODELS[name] for name in needs.models_on("cuda" if machine.cuda else "cpu")]


def _weights_missing(needs: Needs, machine: Machine) -> list[str]:
    missing = [model for model in models_of(needs, machine) if model.name not in machine.weights]
    return [f"its weights, {_gigabytes(model)} ({_download(model)})" for model in missing]


def _download(model: Model) -> str:
    return f"vistadream download {model.name}{'' if model.license.commercial else ' --accept-noncommercial'}"


def _gigabytes(model: Model) -> str:
    return f"{model.bytes_about / 1e9:.2g} GB"
