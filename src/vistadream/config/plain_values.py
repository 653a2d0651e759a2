"""Plain values of a Python program as words of the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from vistadream.config.files import groups
from vistadream.config.words import quoted
from vistadream.core import UserError

_NAME = re.compile(r"\w+([./]\w+)*")
_PLAIN_TEXT = re.compile(r"(?!(?:null|true|false|nan|inf)$)[a-z][\w-]*", re.IGNORECASE)
"""Text that means the same to Hydra with and without quotes."""


def words_of(knobs: Mapping[str, Any]) -> list[str]:
    """One word for each knob, such as `stages.refine.steps=10`; UserError for what is neither number, text nor list.

    Text is taken literally. The value of a group, such as `trajectory` or `backends/depth`, is one of its choices.
    """
    choices = groups()
    return [_word(name, value, is_choice=name in choices) for name, value in knobs.items()]


def _word(name: str, value: Any, is_choice: bool) -> str:
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} is not the name of a knob; wanted one such as stages.refine.steps: see --help")
    return f"{name}={value if is_choice and isinstance(value, str) else _text(name, value)}"


def _text(name: str, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        return text if _PLAIN_TEXT.fullmatch(text) else quoted(text)
    if isinstance(value, list | tuple):
        return f"[{','.join(_text(name, item) for item in value)}]"
    raise UserError(
        f"{name}: got an object of class {type(value).__name__}; wanted a number, text, True, False, None or a "
        "list of these: an object is given by its role, as in job(depth=...)"
    )
