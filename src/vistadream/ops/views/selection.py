"""Which of several pictures are worth using: without copies, blurred ones, and more than are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

LOOK_PX = 320
"""Long side of the small picture from which a `Look` is made."""
_THUMB_PX = 64
_FLAT = 2 / 255
"""Standard deviation of the thumbnail below which a picture shows nothing."""
_SAME = 0.01
"""Mean difference of thumbnails below which two pictures are one."""
_BLURRED = 0.25
"""Sharpness as a share of the median of the neighbors, below which a picture counts as blurred."""
_NEIGHBORS = 2
"""Neighbors on each side, in the order of the pictures."""


@dataclass(frozen=True, eq=False)
class Look:
    """What tells whether a picture is worth using."""

    thumb: Float[np.ndarray, "h w"]
    """The gray picture squeezed into a small square, in [0, 1]."""
    sharpness: float
    """The variance of the Laplacian of the gray picture: comparable between pictures of one scene only."""


def look_of(gray: UInt8[np.ndarray, "h w"]) -> Look:
    """The look of a small gray picture, about `LOOK_PX` pixels long."""
    thumb = cv2.resize(gray, (_THUMB_PX, _THUMB_PX), interpolation=cv2.INTER_AREA)
    return Look(thumb.astype(np.float32) / 255, float(cv2.Laplacian(gray, cv2.CV_32F).var()))


def rejections(names: Sequence[str], looks: Sequence[Look], most: int) -> list[str | None]:
    """For each picture the reason why it is not used, or None; at most `most` are used.

    The looks are in the order of the pictures, in which neighbors show about the same.
    """
    reasons = [_flat(look) for look in looks]
    _reject(reasons, _open(reasons), _blurred([looks[i].sharpness for i in _open(reasons)]))
    _reject(reasons, _open(reasons), _copies([(names[i], looks[i].thumb) for i in _open(reasons)]))
    kept = set(thinned([looks[i].sharpness for i in _open(reasons)], most))
    extra = [None if i in kept else too_many(most) for i in range(len(_open(reasons)))]
    _reject(reasons, _open(reasons), extra)
    return reasons


def too_many(most: int) -> str:
    """The reason for which a picture is left out that is as good as others."""
    return f"more than max_views={most} pictures"


def thinned(sharpness: Sequence[float], most: int) -> list[int]:
    """The indices of at most `most` pictures: of as many groups of neighbors, of even size, the sharpest of each."""
    groups = np.array_split(np.arange(len(sharpness)), min(most, len(sharpness)) or 1)
    return [int(group[np.argmax([sharpness[i] for i in group])]) for group in groups if len(group)]


def _open(reasons: Sequence[str | None]) -> list[int]:
    return [i for i, reason in enumerate(reasons) if reason is None]


def _reject(reasons: list[str | None], which: Sequence[int], because: Sequence[str | None]) -> None:
    for i, reason in zip(which, because, strict=True):
        reasons[i] = reason


def _flat(look: Look) -> str | None:
    return "it shows one flat color" if look.thumb.std() < _FLAT else None


def _blurred(sharpness: Sequence[float]) -> list[str | None]:
    return [_blurred_among(sharpness, i) for i in range(len(sharpness))]


def _blurred_among(sharpness: Sequence[float], i: int) -> str | None:
    """Two pictures do not tell which of them is the odd one, so that it takes two neighbors."""
    around = [*sharpness[max(0, i - _NEIGHBORS) : i], *sharpness[i + 1 : i + 1 + _NEIGHBORS]]
    share = sharpness[i] / max(float(np.median(around)), 1e-9) if len(around) >= 2 else 1.0
    return f"it is blurred: {share:.0%} as sharp as its neighbors" if share < _BLURRED else None


def _copies(pictures: Sequence[tuple[str, Float[np.ndarray, "h w"]]]) -> list[str | None]:
    kept: list[tuple[str, Float[np.ndarray, "h w"]]] = []
    reasons: list[str | None] = []
    for name, thumb in pictures:
        same = next((other for other, seen in kept if np.abs(seen - thumb).mean() < _SAME), None)
        reasons.append(None if same is None else f"it shows the same as {same}")
        if same is None:
            kept.append((name, thumb))
    return reasons
