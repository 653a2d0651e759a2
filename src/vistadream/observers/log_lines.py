"""What a run says in words, as lines of the log: run.log has them, and the console prints them."""

from __future__ import annotations

import logging
from typing import Any

from vistadream.core import Note, StageFinished, StageStarted, Summary

log = logging.getLogger("vistadream.console")
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def log_lines(name: str, value: Any, step: int | None = None) -> None:
    """An Observer that sends stages, notes and summaries to the logger `vistadream.console`."""
    match value:
        case StageStarted():
            log.info("%s", value.stage, extra={"style": "bold cyan"})
        case StageFinished(resumed=True):
            log.info("%s: taken from %s", value.stage, value.source, extra={"style": "cyan"})
        case StageFinished():
            count = f", {value.gaussians:,} Gaussians" if value.gaussians else ""
            log.info("%s: done in %.1f s%s", value.stage, value.seconds, count, extra={"style": "cyan"})
        case Note():
            log.log(_LEVELS[value.level], "  %s", value.text)
        case Summary():
            log.info("  %s", value.text)
