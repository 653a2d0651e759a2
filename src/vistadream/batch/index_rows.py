"""The rows of the index, as they are read from item.json, from the quarantine, and from the events of workers."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vistadream.formats.json_file import read_json

FIGURES = ("input_psnr_db", "input_ssim", "input_alpha_mean", "path_hole_ratio.largest", "gaussians")
"""Figures of metrics.json, each of which is a column; a dot leads into a dictionary."""
Row = dict[str, Any]


def item_row(folder: Path) -> Row | None:
    """The row of a published item; None where its item.json is missing or damaged."""
    try:
        about = read_json(folder / "item.json", finite=False)
        ended, stages = about.get("ended"), about.get("stages") or {}
        return {
            "id": folder.name,
            **names_row(about["names"]),
            "ended": (folder / "item.json").stat().st_mtime if ended is None else float(ended),
            "seconds": float(about["seconds"]),
            "node": about.get("node"),
            "device": about.get("device"),
            "bytes": about.get("bytes"),
            "stages": json.dumps(stages),
            "unbroken_s": sum(stages.values()),
            **{name: _figure(about.get("figures"), name) for name in FIGURES},
        }
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def given_up_row(stem: Path) -> Row:
    """The row of an item in quarantine, also where its file is damaged."""
    try:
        about = read_json(stem.with_name(f"{stem.name}.json"))
        attempts, why = len(about.get("attempts") or ()), {key: str(about[key]) for key in ("reason", "sentence")}
        return {"id": stem.name, **names_row(about["names"]), **why, "attempts": attempts}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        why = {"reason": "unknown", "sentence": f"its file in quarantine cannot be read ({error})"}
        return {"id": stem.name, **names_row(["?"]), **why, "attempts": 0}


def names_row(names: Sequence[str]) -> Row:
    """The columns of the names: the one that is shown, and all of them."""
    return {"name": str(names[0]), "names": json.dumps(names, ensure_ascii=False)}


def _figure(figures: Any, name: str) -> float | None:
    """A figure by its name; None where there is none that is finite."""
    for key in name.split("."):
        figures = figures.get(key) if isinstance(figures, dict) else None
    return float(figures) if isinstance(figures, int | float) and math.isfinite(figures) else None


def insert(database: sqlite3.Connection, table: str, row: Row) -> None:
    """Adds a row, or replaces it."""
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    database.execute(f"insert or replace into {table} ({names}) values ({marks})", [*row.values()])


def take_in_event(database: sqlite3.Connection, event: dict[str, Any]) -> None:
    """Brings the row of an attempt up to date; a line of another version changes nothing."""
    with suppress(KeyError, TypeError):
        _take_in(database, event)


def _take_in(database: sqlite3.Connection, event: dict[str, Any]) -> None:
    kind, key = event["event"], (event.get("id"), event.get("attempt"), event.get("of") or event["worker"])
    if kind == "began":
        _attempt(database, key, began=event["at_s"], node=event["node"], device=event["device"])
        if after := event.get("after"):
            ended = {"ended": after["at_s"], "state": after["state"], "signal": after.get("signal")}
            _attempt(database, (key[0], after["number"], after["worker"]), unless="ended", **ended)
    elif kind == "ended":
        _attempt(database, key, ended=event["at_s"], state=event["state"], signal=None)
    elif kind == "killed":
        _attempt(database, key, ended=event["at_s"], state="killed", signal=event.get("signal"))


def _attempt(database: sqlite3.Connection, key: tuple[Any, ...], unless: str = "", **values: Any) -> None:
    """Sets columns of an attempt, unless another one is known already."""
    database.execute("insert or ignore into attempts (id, number, worker) values (?, ?, ?)", key)
    changes = ", ".join(f"{name} = ?" for name in values)
    where = f"where id = ? and number = ? and worker = ?{f' and {unless} is null' if unless else ''}"
    database.execute(f"update attempts set {changes} {where}", [*values.values(), *key])
