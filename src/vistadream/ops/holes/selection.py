"""Which pose to paint next: a rule over hole ratios, with the reason when nothing fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy import ndarray

from vistadream.core import Camera, Gaussians, Renderer
from vistadream.ops.holes.preview import clustered, hole_ratios, shrunk

FIRST_LOOK_PX, SECOND_LOOK_PX, SECOND_LOOKS = 64, 192, 4
"""Long sides at which poses are scored, and how many are looked at twice: cheaper than four full frames."""


@dataclass(frozen=True)
class SelectionRule:
    """A pose is worth painting when the share of its picture that is hole lies in [min_hole, max_hole]."""

    min_hole: float
    """Smallest hole ratio worth a new view."""
    max_hole: float
    """Largest hole ratio that leaves enough picture to continue from."""
    adjacent: int
    """Poses this close (in path steps) to a chosen one are left out."""
    fallback: str
    """"none", or "closest": take the pose nearest to the band when none lies in it."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_hole < self.max_hole <= 1:
            raise ValueError(
                f"SelectionRule: got min_hole {self.min_hole}, max_hole {self.max_hole}; wanted 0 <= min < max <= 1"
            )
        if self.adjacent < 0:
            raise ValueError(f"SelectionRule.adjacent: got {self.adjacent}; wanted 0 or more")
        if self.fallback not in ("none", "closest"):
            raise ValueError(f"SelectionRule.fallback: got {self.fallback!r}; wanted none or closest")


@dataclass(frozen=True)
class Diagnosis:
    """What the ratios looked like when a pose was sought."""

    n_poses: int
    n_free: int
    """Poses not excluded as neighbors of chosen ones."""
    below: int
    inside: int
    above: int
    """Free poses under, in and over the band."""
    inside_but_adjacent: int
    smallest: float
    mean: float
    largest: float
    top: tuple[tuple[int, float], ...]
    """The ten largest ratios: (pose, ratio)."""
    advice: str
    """One sentence; empty when a pose was found in the band."""

    def as_dict(self) -> dict:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Selection:
    """The chosen pose, or None with the diagnosis of why."""

    pose: int | None
    ratio: float
    diagnosis: Diagnosis


def score_poses(
    gaussians: Gaussians, path: Sequence[Camera], renderer: Renderer, chosen: Sequence[int], rule: SelectionRule
) -> list[float]:
    """Hole ratio of every pose: all at a first look, the free ones with the largest up to `max_hole` at a second."""
    far, near = shrunk(path, FIRST_LOOK_PX), shrunk(path, SECOND_LOOK_PX)
    finer = clustered(gaussians, path[0].center, 1 / near[0].fx)
    ratios = hole_ratios(clustered(finer, path[0].center, 1 / far[0].fx), far, renderer)
    free = _free(len(path), chosen, rule)
    shortlist = [i for i in np.argsort(-np.asarray(ratios), kind="stable") if free[i] and ratios[i] <= rule.max_hole]
    shortlist = shortlist[:SECOND_LOOKS]
    for i, ratio in zip(shortlist, hole_ratios(finer, [near[i] for i in shortlist], renderer), strict=True):
        ratios[i] = ratio
    return ratios


def select_pose(ratios: Sequence[float], chosen: Sequence[int], rule: SelectionRule) -> Selection:
    """The free pose with the largest hole ratio in the band; else the fallback's; else None."""
    r = np.asarray(ratios, dtype=float)
    index, free = np.arange(len(r)), _free(len(r), chosen, rule)
    band = (r >= rule.min_hole) & (r <= rule.max_hole)
    diagnosis = _diagnose(r, free, band, rule)
    if (free & band).any():
        pose = int(index[free & band][r[free & band].argmax()])
    elif rule.fallback == "closest" and (free & (r > 0)).any():
        distance = np.where(free & (r > 0), np.maximum(rule.min_hole - r, r - rule.max_hole), np.inf)
        pose = int(distance.argmin())
    else:
        return Selection(None, 0.0, diagnosis)
    return Selection(pose, float(r[pose]), diagnosis)


def _free(n: int, chosen: Sequence[int], rule: SelectionRule) -> ndarray:
    """Poses that are not neighbors of a chosen one."""
    free = np.ones(n, dtype=bool)
    for pose in chosen:
        free &= np.abs(np.arange(n) - pose) > rule.adjacent
    return free


def _diagnose(r: np.ndarray, free: np.ndarray, band: np.ndarray, rule: SelectionRule) -> Diagnosis:
    below, above = free & (r < rule.min_hole), free & (r > rule.max_hole)
    order = np.argsort(-r, kind="stable")[:10]
    return Diagnosis(
        n_poses=len(r),
        n_free=int(free.sum()),
        below=int(below.sum()),
        inside=int((free & band).sum()),
        above=int(above.sum()),
        inside_but_adjacent=int((band & ~free).sum()),
        smallest=float(r.min(initial=1.0)),
        mean=float(r.mean()) if len(r) else 0.0,
        largest=float(r.max(initial=0.0)),
        top=tuple((int(i), float(r[i])) for i in order),
        advice="" if (free & band).any() else _advice(r, free, band, below, above, rule),
    )


def _advice(
    r: np.ndarray, free: np.ndarray, band: np.ndarray, below: np.ndarray, above: np.ndarray, rule: SelectionRule
) -> str:
    if not free.any() or (band & ~free).any():
        return f"each pose in the band is next to a chosen one: lower stages.coarse.rule.adjacent (now {rule.adjacent})"
    if not above.any():
        return (
            f"the largest hole is {r[free].max():.2%} of the picture, so nothing is left to paint; for more, "
            f"move further (such as trajectory.radius) or lower stages.coarse.rule.min_hole (now {rule.min_hole})"
        )
    if not below.any():
        return (
            f"the smallest hole is {r[free].min():.1%} of the picture: move less (such as trajectory.radius), widen "
            f"the border (expansion) or raise stages.coarse.rule.max_hole (now {rule.max_hole})"
        )
    return (
        f"holes are either under {rule.min_hole} or over {rule.max_hole}: widen the band (stages.coarse.rule.min_hole, "
        "max_hole) or set stages.coarse.rule.fallback=closest"
    )
