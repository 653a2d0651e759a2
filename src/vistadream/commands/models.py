"""The commands `vistadream models` and `vistadream download`. They start without torch."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from vistadream.backends.weights import store
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.facts import facts_of
from vistadream.backends.weights.hub import hub_home
from vistadream.backends.weights.table import MODELS, PROFILES, Model, models_named
from vistadream.core import Note, UserError, tell, use_observer
from vistadream.observers.console import ConsoleObserver, Terminal
from vistadream.observers.log_lines import log_lines
from vistadream.service.site.files import LIB
from vistadream.service.site.viewer import ViewerError, fetch_viewer

VIEWER = "viewer"
"""What `vistadream download` fetches besides models."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def models(words: Sequence[str]) -> None:
    """Prints every model with its license, size, memory and folder, as a table or as JSON."""
    parser = _Parser("vistadream models", description="Every model that VistaDream can use.")
    parser.add_argument("--json", action="store_true", help="for programs")
    if parser.parse_args(words).json:
        sys.stdout.write(json.dumps([_facts(model) for model in MODELS.values()], indent=2) + "\n")
        return
    console = Console()
    console.print(_table())
    for model in MODELS.values():
        if folder := store.find(model):
            console.print(f"{model.name}: {folder}", highlight=False, markup=False, soft_wrap=True)
    for name, members in PROFILES.items():
        size = sum(MODELS[member].bytes_about for member in members)
        console.print(f"profile {name}: {', '.join(members)} (about {_gb(size)})", highlight=False, soft_wrap=True)


def download(words: Sequence[str]) -> None:
    """Fetches models and profiles; UserError on bad words or no room, DownloadError when something could not be had."""
    asked = _download_parser().parse_args(words)
    if asked.what == [VIEWER]:
        return _fetch_viewer()
    wanted = models_named(asked.what)
    for model in wanted:
        store.check_license(model, asked.accept_noncommercial)
    missing = [model for model in wanted if asked.dest or not store.find(model)]
    store.check_source(missing, asked.source)
    missing.sort(key=lambda model: len(model.sources))  # without the hub, what it alone has fails before the rest comes
    _say_plan(wanted, missing, asked.dest)
    if not asked.dry_run:
        _fetch(missing, asked.dest, asked.source)


def _fetch_viewer() -> None:
    """Fetches the files of the page's viewer; DownloadError when they cannot be had."""
    try:
        fetched = fetch_viewer(LIB)
    except ViewerError as error:
        raise DownloadError(f"{error}; the page works without it, and shows videos and pictures") from error
    sys.stdout.write("".join(f"{path}\n" for path in fetched) or f"{LIB} has all files\n")


def _download_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        "vistadream download",
        description="Fetches models and goes on where an earlier download broke. Exit code 2: bad words, a license "
        "that is not accepted, or no room; 3: something could not be fetched, and the same command goes on.",
    )
    whats = f"models (see `vistadream models`) or profiles: {', '.join(PROFILES)}; or {VIEWER}, for the page of the app"
    parser.add_argument("what", nargs="+", help=whats)
    parser.add_argument("--dest", type=Path, help="a folder of its own for each model in here; else the hub's cache")
    parser.add_argument("--source", help="hub, modelscope or apple; else one after the other")
    parser.add_argument("--accept-noncommercial", action="store_true", help="I have read the license and abide by it")
    parser.add_argument("--dry-run", action="store_true", help="say what would be fetched, and fetch nothing")
    return parser


def _facts(model: Model) -> dict[str, Any]:
    return {**facts_of(model), "path": str(path) if (path := store.find(model)) else None}


def _table() -> Table:
    caption = "GPU: GB that it takes under memory=high/balanced/low, about. Gated: asks for an account on the hub."
    table = Table(caption=caption, caption_justify="left", box=None, pad_edge=False)
    for column in ("model", "for", "size", "GPU", "license", "here"):
        table.add_column(column, no_wrap=column != "license")
    for model in MODELS.values():
        figures = [f"{gb:g}" for gb in astuple(model.memory)]
        gpu = "/".join(figures if len(set(figures)) > 1 else figures[:1])
        license = model.license.name + (", gated" if model.gated else "")
        here = "yes" if store.find(model) else "no"
        table.add_row(model.name, model.role, _gb(model.bytes_about), gpu, license, here)
    return table


def _say_plan(wanted: Sequence[Model], missing: Sequence[Model], dest: Path | None) -> None:
    for model in wanted:
        where = f"to fetch, about {_gb(model.bytes_about)}" if model in missing else store.find(model)
        sys.stdout.write(f"{model.name} ({model.license.name}): {where}\n")
    if missing:
        into = dest or hub_home()
        sys.stdout.write(f"about {_gb(sum(m.bytes_about for m in missing))} in all, into {into}\n")
    sys.stdout.flush()


def _fetch(missing: Sequence[Model], dest: Path | None, source: str | None) -> None:
    failures = []
    logging.getLogger("vistadream").setLevel(logging.INFO)
    with ConsoleObserver(Terminal()) as console, use_observer(partial(_show, console)):
        for model in missing:
            try:
                folder = store.download(model, dest, source)
            except DownloadError as error:
                if len(missing) == 1:
                    raise
                failures.append(model.name)
                tell(f"download/{model.name}", Note(str(error), "error"))
            else:
                use = f"; use it with backends.{model.role}.path={folder}" if dest else ""
                tell(f"download/{model.name}", Note(f"{model.name}: {folder}{use}"))
    if failures:
        raise DownloadError(f"{', '.join(failures)}: not fetched, for the reasons above; the same command goes on")


def _show(console: ConsoleObserver, name: str, value: Any, step: int | None = None) -> None:
    """An Observer; the Multiplexer would import torch."""
    log_lines(name, value, step)
    console(name, value, step)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
