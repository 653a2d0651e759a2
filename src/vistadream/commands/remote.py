"""The command `vistadream remote single-img`: the main job by a service, with the same view on the console."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vistadream.commands.guard import Act
from vistadream.config import name_of, quote_paths
from vistadream.config.words import parse
from vistadream.core import Note, Progress, StageFinished, StageStarted, Summary, UserError

HELP = """\
usage: vistadream remote single-img image=PATH [url=URL] [out=FOLDER] [KNOB=VALUE ...]

Has a service (vistadream serve) make the scene, shows what it does as a local run would, and loads the results into
OUT/NAME/ID. Ctrl-C leaves the job in the service; the line with its id names it.

  image=PATH       the picture; or prompt="a sunlit library"
  url=URL          http://127.0.0.1:8000 by default; unix:PATH for a socket file
  out=FOLDER       outputs by default

A service that asks for an API key gets the one in the environment variable VISTADREAM_API_KEY.

examples:
  vistadream remote single-img image=photo.jpg stage=coarse
  vistadream remote single-img image=photo.jpg url=unix:/run/user/1000/vistadream.sock
"""
_OWN = ("image", "url", "out")
_KINDS: dict[str, type] = {
    "note": Note,
    "progress": Progress,
    "stage_finished": StageFinished,
    "stage_started": StageStarted,
    "summary": Summary,
}


def act(words: Sequence[str]) -> Act:
    """What the words ask for, to be called. UserError for words that cannot be read."""
    if not words or {"-h", "--help"} & set(words):
        return lambda: sys.stdout.write(HELP)
    job, *rest = words
    if job != "single-img":
        raise UserError(
            f"remote {job} is not possible; wanted remote single-img: a service takes one picture for a job"
        )
    own = dict(word.split("=", 1) for word in rest if name_of(word) in _OWN and "=" in word)
    image = Path(os.path.expanduser(own["image"])) if "image" in own else None
    if image is not None and not image.is_file():
        raise UserError(f"image={image}: no such input; wanted a picture file: check its path")
    knobs = {name_of(word): _value(word) for word in quote_paths([w for w in rest if name_of(w) not in _OWN])}
    try:
        from vistadream.service.client import Client
    except ModuleNotFoundError as error:
        raise UserError(f"the package {error.name} is not installed; wanted it: pip install {error.name}") from error
    client = Client(own.get("url", "http://127.0.0.1:8000"))
    return partial(_run, client, image, knobs, Path(os.path.expanduser(own.get("out", "outputs"))))


def _run(client: Any, image: Path | None, knobs: dict[str, Any], out: Path) -> None:
    from vistadream.observers.console import ConsoleObserver, Terminal
    from vistadream.observers.log_lines import log, log_lines

    logging.getLogger("vistadream").setLevel(logging.INFO)
    with client, ConsoleObserver(Terminal()) as console:
        job = client.predict(image, knobs)
        log.info("  job %s of the service", job["id"])

        def watch(line: dict[str, Any]) -> None:
            value = _observed(line)
            log_lines(line["name"], value, line["step"])
            console(line["name"], value, line["step"])

        job = client.wait(job["id"], watch)
        if job["state"] != "done":
            raise UserError(job["error"] or f"the job was {job['state']}; wanted one that is done: resume it")
        name = re.sub(r"[^\w.-]+", "_", image.stem if image else "prompt").strip(".") or "image"
        folder = out / name / job["id"]
        client.download(job["id"], folder)
        log.info("  done: %s", folder)


def _value(word: str) -> Any:
    """The value of a word as the configuration would read it."""
    if "=" not in word:
        raise UserError(f"cannot read {word!r}; wanted knob=value, or a flag: see --help")
    override = parse(word)
    if override.is_sweep_override():
        raise UserError(f"{word} gives several values; wanted one")
    return override.value()


def _observed(line: dict[str, Any]) -> Any:
    """What a run observed, from its line: a message, a number, or None for pictures and scenes."""
    if line["kind"] == "number":
        return line["value"]
    kind = _KINDS.get(line["kind"])
    return kind(**line["value"]) if kind else None
