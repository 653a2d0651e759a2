"""The keys of stages: each identifies what a stage made, by all that decided it and the stages before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import accumulate
from typing import Any


def chain(fingerprints: Mapping[str, Any]) -> dict[str, str]:
    """The key of each link, in the order of the mapping: a hash of its fingerprint, its name and the key before it."""
    keys = accumulate(fingerprints.items(), _next, initial="")
    return dict(zip(fingerprints, list(keys)[1:], strict=True))


def _next(key: str, link: tuple[str, Any]) -> str:
    text = json.dumps([key, *link], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
