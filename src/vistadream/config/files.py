"""The YAML files under conf/: where they are, what they offer, and their composition by Hydra."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton
from hydra.version import VersionBase
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.basecontainer import BaseContainer

_HYDRA = threading.Lock()
_STATE = (GlobalHydra, VersionBase)


@dataclass
class Schema:
    """Types of the top-level knobs; their defaults are in conf/single_img.yaml and conf/multi_img.yaml."""

    image: str | None = None
    input: str | None = None
    max_views: int | None = None
    fps: float | None = None
    prompt: str | None = None
    stage: str = MISSING
    seed: int = MISSING
    explore: float = MISSING
    expansion: float = MISSING
    max_resolution: int = MISSING
    out: str = MISSING
    device: str = MISSING
    memory: str = MISSING
    accept_noncommercial: bool = MISSING
    checkpoint_seconds: float = MISSING
    resume: str | None = None
    job: Any = MISSING
    source: Any = MISSING
    camera: Any = MISSING
    observers: Any = field(default_factory=dict)
    rerun: Any = field(default_factory=dict)
    flight: Any = MISSING
    export: Any = field(default_factory=dict)
    stages: Any = MISSING
    backends: Any = MISSING
    trajectory: Any = MISSING


def conf_folder() -> Path:
    """conf/ of a checkout, else the one inside the installed package."""
    checkout = Path(__file__).parents[3] / "conf"
    packaged = Path(str(resources.files("vistadream"))) / "conf"
    return checkout if (checkout / "single_img.yaml").exists() else packaged


def composed_files(overrides: Sequence[str] = (), with_hydra: bool = False, job: str = "single_img") -> DictConfig:
    """The files of a job with overrides; `with_hydra` adds what Hydra says of the composition.

    A job without a file of its own, such as conf/multi_img.yaml, is a variant of conf/single_img.yaml.
    """
    own = (conf_folder() / f"{job}.yaml").exists()
    with _own_hydra(), initialize_config_dir(str(conf_folder()), version_base="1.3"):
        ConfigStore.instance().store("schema", Schema)
        name, choice = (job, []) if own else ("single_img", [f"job={job}"])
        return compose(name, [*choice, *overrides], return_hydra_config=with_hydra)


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Hydra has one state for the process, which an application around may be using: it is put back afterwards."""
    with _HYDRA:
        store, repo, resolvers = ConfigStore.instance(), ConfigStore.instance().repo, BaseContainer._resolvers
        kept: dict[type, Any] = {
            kind: Singleton._instances.pop(kind) for kind in _STATE if kind in Singleton._instances
        }
        store.repo, BaseContainer._resolvers = {**repo}, {**resolvers}
        try:
            yield
        finally:
            for kind in _STATE:
                Singleton._instances.pop(kind, None)
            Singleton._instances.update(kept)
            store.repo, BaseContainer._resolvers = repo, resolvers


def groups() -> dict[str, list[str]]:
    """Every configuration group with its options."""
    root = conf_folder()
    found: dict[str, list[str]] = {}
    for file in sorted(root.rglob("*.yaml")):
        group = file.parent.relative_to(root).as_posix()
        if group not in (".", "stages", "job", "export", "observers") and not file.stem.startswith("_"):
            found.setdefault(group, []).append(file.stem)
    return {g: ["auto", *o] if g.startswith("backends/") else o for g, o in found.items()}


def plans(job: str = "single_img") -> dict[str, list[str]]:
    """The stages that each value of `stage=` runs, as the file of the job says."""
    file: Any = OmegaConf.load(conf_folder() / "job" / f"{job}.yaml")
    return {str(stage): list(plan) for stage, plan in file.job.plans.items()}


@cache
def targets() -> tuple[str, ...]:
    """Every class that a file names to be built; nothing else ever is."""
    texts = (file.read_text(encoding="utf-8") for file in conf_folder().rglob("*.yaml"))
    return tuple(name for text in texts for name in re.findall(r"^\s*_target_: *([\w.]+)$", text, re.MULTILINE))
