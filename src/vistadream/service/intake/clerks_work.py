"""What the clerk does, in its own process (`clerk.py`)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from vistadream.config import changed_words, compose, quote_paths
from vistadream.config.knob_schema import knob_schema
from vistadream.config.outside import outside_words
from vistadream.core import UserError

KINDS = ("single_img",)
"""The kinds of jobs that can be asked for."""


def main() -> None:
    """Answers requests until the pipe is closed. What libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the server too, which closes the pipe
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    knob_schema(KINDS[0])  # takes seconds the first time, so that no request waits for it
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    if request["do"] == "schema":
        return {"answer": knob_schema(request["job"])}
    if request["do"] == "gpu":
        return {"answer": _gpu()}
    try:
        return {"answer": _words(json.dumps(request["knobs"]), request["job"], tuple(request["before"]))}
    except UserError as error:
        knob = next((knob for knob in request["knobs"] if knob in str(error)), None)
        return {"error": str(error), "knob": knob}


def _gpu() -> dict[str, Any]:
    """The first GPU, for the health of the service."""
    import torch

    if not torch.cuda.is_available():
        return {"gpu_available": False}
    vendor = "AMD" if torch.version.hip else "NVIDIA"
    return {"gpu_available": True, "gpu_vendor": vendor, "gpu_name": torch.cuda.get_device_name(0)}


@lru_cache(1024)
def _words(knobs: str, job: str, before: tuple[str, ...]) -> list[str]:
    """The words of knobs in JSON after those of `before`, which they replace; UserError unless they fit together."""
    new = outside_words(json.loads(knobs), job)
    if not before:
        return new
    words = changed_words(before, new, job)
    compose(quote_paths(words), job=job).plan()
    return words
