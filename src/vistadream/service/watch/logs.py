"""The log of a process: text on a terminal, a line of JSON for each message elsewhere and in files.

Code writes to the standard loggers, and names what a message is about with `extra=`. What belongs to all messages of a
request or a job, such as its id, is bound with structlog's context variables.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from vistadream.core import system_errors
from vistadream.service.knobs import Level

Keep = Callable[[logging.LogRecord], bool]
_FILE_BYTES, _FILES = 10_000_000, 7
_QUIET = ("httpx", "httpcore", "uvicorn")
"""Libraries of which warnings are enough; the first two name whole URLs in what they do."""


def _once(_: Any, __: str, event: EventDict) -> EventDict:
    """Without the time that a formatter of another library wrote into the record."""
    event.pop("asctime", None)
    return event


_ABOUT: Sequence[Processor] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    _once,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_HIDDEN = "[hidden]"
_SECRETS = (
    (re.compile(r"(vd_[0-9A-Za-z]+_|whsec_)[\w+/=-]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), _HIDDEN),  # a JWT
    (re.compile(r"(bearer|basic) +[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (
        re.compile(r"(cookie['\"\\]*[:=,] *b?['\"\\]*)[^\s'\"\\][^\n'\"\\]*", re.IGNORECASE),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(\w+://[^\s'\"\\?]+|(?<=[\s'\"])/[^\s'\"\\?]*)\?[^\s'\"\\]+"), rf"\1?{_HIDDEN}"),
)
"""API keys and secrets of webhooks, JWTs, headers, and the queries of URLs, as errors of libraries may show them.

A word may follow an escaped line break, whose last letter belongs to it for a pattern."""


def set_up(level: Level, file: Path | None = None, keep: Keep | None = None) -> None:
    """Sends the messages of this process to standard error and into `file`; replaces what was set up before.

    Seven files of 10 MB are kept: `file`, `file`.1 and so on. `keep` says which messages are written. UserError where
    the file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(), *([_file_handler(file)] if file else [])]
    as_json = _Formatter(_as_json())
    for handler in handlers:
        handler.setFormatter(as_json)
    if sys.stderr.isatty():
        handlers[0].setFormatter(_Formatter(_as_text()))
    for handler in handlers:
        if keep:
            handler.addFilter(keep)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


@system_errors()
def _file_handler(file: Path) -> logging.Handler:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return RotatingFileHandler(file, maxBytes=_FILE_BYTES, backupCount=_FILES - 1, encoding="utf-8")


def without_secrets(text: str) -> str:
    """The text with keys, tokens, cookies and the queries of URLs replaced."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _Formatter(ProcessorFormatter):
    """One message as text, whoever wrote it. It is made once, although each handler and the rotation ask for it."""

    def __init__(self, last: Sequence[Processor]):
        super().__init__(processors=[ProcessorFormatter.remove_processors_meta, *last], foreign_pre_chain=_ABOUT)
        self._newest: tuple[logging.LogRecord | None, str] = None, ""

    def format(self, record: logging.LogRecord) -> str:
        newest, text = self._newest
        if newest is not record:
            text = without_secrets(super().format(record))
            self._newest = record, text
        return text


def _as_text() -> Sequence[Processor]:
    return [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]


def _as_json() -> Sequence[Processor]:
    order = structlog.processors.EventRenamer("message")
    return [structlog.processors.format_exc_info, order, structlog.processors.JSONRenderer(default=str)]
