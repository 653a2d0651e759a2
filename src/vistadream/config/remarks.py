"""What the YAML files under conf/ say about each knob: the remark on its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vistadream.config.files import conf_folder
from vistadream.config.reference import files_of

_LINE = re.compile(r"( *)([\w-]+):(.*)")
_PACKAGE = re.compile(r"# @package (\S+)")


@cache
def remarks(job: str) -> dict[str, str]:
    """The remark of each knob of a job by its dotted name. Of several files that say something, the first counts."""
    found: dict[str, str] = {}
    for file in (*_at_the_top(job), *files_of(job), *_choices()):
        for knob, remark in _remarks_in(file):
            found.setdefault(knob, remark)
    return found


def remark_of(knob: str, option: str | None, job: str) -> str | None:
    """What is said about a knob, first by the file of its option, such as "backends/depth/moge"."""
    own = dict(_remarks_in(conf_folder() / f"{option}.yaml")) if option else {}
    return own.get(knob) or remarks(job).get(knob) or remarks(job).get(re.sub(r"\.\w+(\.\w+)$", r"\1", knob))


def _at_the_top(job: str) -> Iterator[Path]:
    yield from (file for name in (job, "single_img") if (file := conf_folder() / f"{name}.yaml").exists())
    yield conf_folder() / "job" / f"{job}.yaml"


def _choices() -> Iterator[Path]:
    for room in ("backends", "trajectory", "source"):
        yield from sorted((conf_folder() / room).rglob("*.yaml"))


@cache
def _remarks_in(file: Path) -> tuple[tuple[str, str], ...]:
    text = file.read_text(encoding="utf-8")
    package = _PACKAGE.match(text)
    above = package[1].replace("_global_", "") if package else _folder(file)
    return tuple(_walk(text.splitlines(), above))


def _folder(file: Path) -> str:
    """The package of a file that names none: its folder."""
    return ".".join(file.parent.relative_to(conf_folder()).parts)


def _walk(lines: list[str], above: str) -> Iterator[tuple[str, str]]:
    """(dotted name, remark) of every line that has one."""
    path: list[tuple[int, str]] = []
    for line in lines:
        if not (found := _LINE.match(line)):
            continue
        indent = len(found[1])
        path = [part for part in path if part[0] < indent]
        path.append((indent, found[2]))
        value, mark, remark = found[3].partition(" # ")
        if mark and value.count('"') % 2 == 0:
            yield ".".join(filter(None, (above, *(name for _, name in path)))), remark.strip()
