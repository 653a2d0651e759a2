"""What the text parts of a request to predict say."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vistadream.service.intake.form_parts import Form
from vistadream.service.intake.json_text import json_object
from vistadream.service.problems import ProblemError

_PARTS = ("knobs", "priority", "image_url", "webhook_url", "degrade")
_HIGHEST = 100


@dataclass(frozen=True)
class Asked:
    """The parts of a request, checked for their form."""

    knobs: dict[str, Any]
    priority: int
    degrade: bool
    image_url: str | None
    webhook_url: str | None
    digest: str
    """sha256 of the whole request, to know the same request again."""


def asked_in(form: Form, parts: Sequence[str] = _PARTS) -> Asked:
    """What a form asks for by these text parts.

    ProblemError 400 or 422 where a part cannot be used, or the picture is given twice or not at all.
    """
    texts = form.texts
    if odd := [name for name in texts if name not in parts]:
        raise ProblemError(422, f"{odd[0][:64]!r} is not a part of this request; wanted file, {', '.join(parts)}")
    knobs = json_object(texts.get("knobs") or "{}", "the part knobs")
    _check_source(form, knobs)
    files = [[file.sha256, file.file_name] for file in form.files]
    content = json.dumps([files, knobs, *(texts.get(name) for name in _PARTS[1:])], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    priority, degrade = _priority(texts.get("priority", "0")), _degrade(texts.get("degrade", "false"))
    return Asked(knobs, priority, degrade, texts.get("image_url"), texts.get("webhook_url"), digest)


def _check_source(form: Form, knobs: dict[str, Any]) -> None:
    """ProblemError 422 unless there is exactly one thing to make a scene of."""
    given = {
        "a picture": form.file is not None,
        "an image_url": "image_url" in form.texts,
        "a prompt": knobs.get("prompt") is not None,
    }
    found = [name for name, is_given in given.items() if is_given]
    if not found:
        raise ProblemError(422, "there is no picture; wanted one in the part file, an image_url, or a prompt in knobs")
    if len(found) > 1:
        raise ProblemError(422, f"{found[0]} and {found[1]} are both given; wanted one of them")


def _priority(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,3}", text, re.ASCII) or abs(int(text)) > _HIGHEST:
        raise ProblemError(422, f"priority is {text[:64]!r}; wanted a whole number from -{_HIGHEST} to {_HIGHEST}")
    return int(text)


def _degrade(text: str) -> bool:
    if text not in ("true", "false"):
        raise ProblemError(422, f"degrade is {text[:64]!r}; wanted true or false")
    return text == "true"
