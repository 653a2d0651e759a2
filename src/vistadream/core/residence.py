"""Nouns that move from one device to another."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def on_device(value: T, device: torch.device | str) -> T:
    """The dataclass with its tensors on a device; the same object where all of them are there already."""
    noun: Any = value
    tensors = {f.name: t for f in fields(noun) if isinstance(t := getattr(noun, f.name), Tensor)}
    moved = {name: there for name, t in tensors.items() if (there := t.to(device)) is not t}
    return replace(noun, **moved) if moved else value
