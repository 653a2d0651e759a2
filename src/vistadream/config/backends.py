"""The backends that conf/ names: what the class of each needs, and which one `auto` takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hydra.utils import get_class
from omegaconf import OmegaConf

from vistadream.backends import auto
from vistadream.backends.auto import Choice
from vistadream.backends.machine import Machine, this_machine
from vistadream.backends.needs import Needs
from vistadream.config.files import conf_folder, groups
from vistadream.core import UserError


def order(role: str) -> list[str]:
    """The backends of a role in the order in which `auto` tries them (conf/auto.yaml)."""
    return list(_orders(conf_folder())[role])


@cache
def _orders(folder: Path) -> dict[str, list[str]]:
    return dict(OmegaConf.load(folder / "auto.yaml"))


def needs(role: str, name: str) -> Needs:
    """What the backend's class declares; nothing for a name that is not a backend of the role."""
    if name == "auto" or name not in groups().get(f"backends/{role}", ()):
        return Needs()
    return _needs(conf_folder() / "backends" / role / f"{name}.yaml")


@cache
def _needs(file: Path) -> Needs:
    return getattr(get_class(OmegaConf.select(OmegaConf.load(file), "_target_")), "NEEDS", Needs())


def choose(
    role: str, machine: Machine | None = None, accept_noncommercial: bool = False, outpainter: str = "embedded"
) -> Choice:
    """What `auto` takes for a role; see `backends.auto.choose`. A captioner suits the `outpainter`."""
    names = order(role)
    if role == "caption" and not needs("outpaint", outpainter).prompt:
        return Choice(names[-1], f"outpainter {outpainter} reads no prompt")
    return auto.choose(role, {name: needs(role, name) for name in names}, machine, accept_noncommercial)


def check(role: str, name: str, machine: Machine | None = None) -> None:
    """UserError that lists what is missing if the named backend cannot run on the machine; by default on this one."""
    auto.check(role, name, needs(role, name), machine)


@dataclass(frozen=True)
class Offered:
    """A backend, and whether it can run on a machine."""

    role: str
    name: str
    lacks: list[str]
    """What has to be done before it can, each with its command; its weights may also come with the first run."""
    models: list[dict[str, str]]
    """The models that it uses there, each as its name and the name of its license."""
    commercial: bool
    """Whether the licenses of all of them let results be used commercially."""
    auto: str | None
    """Why `auto` takes it, in one line; None where it takes another one."""


def offered(roles: Mapping[str, Iterable[str]], machine: Machine | None = None) -> Iterator[Offered]:
    """The backends of each role on the machine; by default on this one."""
    machine = machine or this_machine()
    for role, names in roles.items():
        taken = None
        with suppress(UserError):  # none of the role can run
            taken = choose(role, machine)
        for name in names:
            wanted = needs(role, name)
            used = auto.models_of(wanted, machine)
            models = [{"name": model.name, "license": model.license.name} for model in used]
            free = all(model.license.commercial for model in used)
            reason = taken.reason if taken and taken.name == name else None
            yield Offered(role, name, auto.lacking(wanted, machine), models, free, reason)
