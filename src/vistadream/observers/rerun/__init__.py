"""The Rerun observer. Only files of this folder import Rerun, and only for a run that uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vistadream.core import Observer, silent
from vistadream.observers.rerun.settings import RerunSettings


@contextmanager
def rerun_observer(
    settings: RerunSettings, file: Path, *, name: str, stages: Sequence[str], config: str, knobs: Mapping[str, Any]
) -> Iterator[Observer]:
    """The open `RerunObserver` of a run, with the configuration as YAML and as knobs; `silent` when the mode is off.

    Rerun is imported here, when it is used, because the import takes a fifth of a second.
    """
    if settings.mode == "off":
        yield silent
        return
    from vistadream.observers.rerun.observer import RerunObserver

    with RerunObserver(settings, file, name=name, stages=stages) as observe:
        observe.log_config(config, knobs)
        yield observe
