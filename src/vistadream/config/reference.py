"""The text of --help about knobs and choices, made from the YAML files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vistadream.config.files import conf_folder, groups

_SOURCES = {"multi_img": ("several",)}
"""The options of the group `source` that a job can use, where these are not those of single-img."""


def reference(job: str = "single_img") -> str:
    """Every knob of a job with its default and remark, and every choice, for --help."""
    choices = "".join(f"  {group}={'|'.join(options)}\n" for group, options in groups().items())
    sections = "".join(f"\n{file.read_text(encoding='utf-8')}" for file in files_of(job))
    sections = re.sub(r"# @package _global_\n((?:#.*\n)*)observers:\n.*\n", r"\1", sections)
    sections = re.sub(r"# @package (.*)\n((?:#.*\n)*)_target_:.*", r"\2\1.*:", sections)
    sections = re.sub(r" +_target_:.*\n", "", sections)
    return f"knobs, with their defaults:\n{_knobs(job)}\nchoices:\n\n{choices}{sections}"


def _knobs(job: str) -> str:
    """What the files of the job say below their lists of defaults."""
    text = _below(conf_folder() / "job" / f"{job}.yaml", "\nstage:")
    common = _below(conf_folder() / "single_img.yaml", "\nimage:" if job == "single_img" else "\nseed:")
    if job != "single_img":
        own = _below(conf_folder() / f"{job}.yaml", "\n\n").rstrip("\n")
        for knob in re.findall(r"^(\w+):", own, re.MULTILINE):
            common = re.sub(rf"^{knob}:.*\n", "", common, flags=re.MULTILINE)
        text = f"{text.rstrip()}\n{own}"
    return re.sub(r" *_target_:.*\n", "", text + common)


def _below(file: Path, mark: str) -> str:
    text = file.read_text(encoding="utf-8")
    return text[text.index(mark) :]


def files_of(job: str) -> Iterator[Path]:
    """The files of sources, stages, results and observers that the job can use."""
    root = conf_folder()
    own: Any = OmegaConf.load(root / "job" / f"{job}.yaml")
    names = {"source": sources_of(job), "stages": own.defaults[0]["/stages"]}
    for room in ("source", "stages", "export", "observers"):
        listed = names.get(room) or [file.stem for file in sorted((root / room).glob("*.yaml"))]
        yield from (root / room / f"{name}.yaml" for name in listed)


def sources_of(job: str) -> list[str]:
    """The options of the group `source` that a job can use."""
    several = [name for names in _SOURCES.values() for name in names]
    return list(_SOURCES.get(job, [name for name in groups()["source"] if name not in several]))
