"""What the clerk does, in its own process (`clerk.py`)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from vistadream.config import CAMERA_PATH, changed_words, compose, quote_paths
from vistadream.config.backends import offered
from vistadream.config.knob_schema import knob_schema, outside_knobs
from vistadream.config.outside import outside_words
from vistadream.core import UserError
from vistadream.service.intake.plans import refuse_blocked, stages_of
from vistadream.service.intake.result_keys import keys_of

KINDS = ("single_img",)
"""The kinds of jobs that can be asked for."""


def main() -> None:
    """Answers requests until the pipe is closed. What libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the server too, which closes the pipe
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    knob_schema(KINDS[0])  # takes seconds the first time after an update, so that no request waits for it
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    if request["do"] == "schema":
        return {"answer": knob_schema(request["job"], request["noncommercial"])}
    if request["do"] == "backends":
        return {"answer": [asdict(each) for each in offered(_roles(request["job"]))]}
    if request["do"] == "gpu":
        return {"answer": _gpu()}
    if request["do"] == "keys":
        return {"answer": [keys_of(request["words"], request["job"], digest) for digest in request["digests"]]}
    try:
        if request["do"] == "plan":
            return {"answer": stages_of(request["words"], request["job"], Path(request["run"]))}
        new = tuple(_camera_words(**request["cameras"], knobs=request["knobs"])) if request["cameras"] else ()
        knobs, before = json.dumps(request["knobs"]), tuple(request["before"])
        return {"answer": _words(knobs, request["job"], request["noncommercial"], before, new)}
    except UserError as error:
        knob = next((knob for knob in request.get("knobs", {}) if knob in str(error)), None)
        inputs = f"{Path(request['run']).parent / 'input'}/" if "run" in request else ""  # where it is, is no answer
        return {"error": str(error).replace(inputs, ""), "knob": knob}


def _roles(job: str) -> dict[str, list[str]]:
    """The roles of a job's backends, each with those that a request may choose."""
    schema = outside_knobs(job).schema
    named = {knob.removeprefix("backends/"): about for knob, about in schema.items() if knob.startswith("backends/")}
    return {role: [name for name in about["enum"] if name != "auto"] for role, about in named.items()}


def _gpu() -> dict[str, Any]:
    """The first GPU, for the health of the service."""
    import torch

    if not torch.cuda.is_available():
        return {"gpu_available": False}
    vendor = "AMD" if torch.version.hip else "NVIDIA"
    return {"gpu_available": True, "gpu_vendor": vendor, "gpu_name": torch.cuda.get_device_name(0)}


def _camera_words(file: str, run: str, knobs: Mapping[str, Any]) -> list[str]:
    """The words for the camera path through the cameras of a file; UserError that does not name its folder.

    The cameras have to be in the free space of the scene that the run folder has.
    """
    if odd := [knob for knob in knobs if knob.split(".")[0] == "trajectory"]:
        raise UserError(f"{odd[0]} is given together with cameras, which are the path; wanted one of them")
    words = ["trajectory=custom", f"{CAMERA_PATH}={file}"]
    try:
        compose(quote_paths(words)).build("trajectory")
        refuse_blocked(Path(file), Path(run))
    except UserError as error:
        raise UserError(str(error).replace(f"{file}: ", "")) from error
    return [words[0], f"{CAMERA_PATH}={Path(file).name}"]


@lru_cache(1024)
def _words(knobs: str, job: str, noncommercial: bool, before: tuple[str, ...], cameras: tuple[str, ...]) -> list[str]:
    """The words of knobs in JSON after those of `before`, which they replace; UserError unless they fit together."""
    new = [*outside_words(json.loads(knobs), job, noncommercial), *cameras]
    if not before:
        return new
    words = changed_words(before, new, job)
    compose(quote_paths(words), job=job).plan()
    return words
