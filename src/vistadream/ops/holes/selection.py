"""Selection of the pose to paint next, by a rule over hole ratios, with a diagnosis when no pose fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy import ndarray

from vistadream.core import Camera, Gaussians, Renderer
from vistadream.core.knobs import SHARE, check_ranges, require
from vistadream.ops.holes.preview import clustered, hole_ratios, shrunk

FIRST_PASS_PX, SECOND_PASS_PX, SECOND_PASS_POSES = 64, 192, 4
"""Long sides of the pictures in the two passes over poses, and the number of poses in the second pass. Both passes
together cost less than four pictures at full size."""


@dataclass(frozen=True)
class SelectionRule:
    """A pose can be chosen when its hole ratio, the share of its picture that is a hole, is in [min_hole, max_hole]."""

    min_hole: float
    """The smallest hole ratio for which a new view is worth its cost."""
    max_hole: float
    """The largest hole ratio that leaves enough of the picture to continue from."""
    fallback: Literal["none", "closest"]
    """none: choose no pose when no ratio is in the band. closest: choose the pose whose ratio is closest to it."""

    def __post_init__(self) -> None:
        check_ranges(self, min_hole=SHARE, max_hole=SHARE)
        require(self, "max_hole", self.min_hole < self.max_hole, f"more than min_hole, which is {self.min_hole}")


@dataclass(frozen=True)
class Diagnosis:
    """The distribution of the hole ratios when a pose was selected."""

    n_poses: int
    n_free: int
    """Number of poses that were not chosen before."""
    below: int
    inside: int
    above: int
    """Number of free poses below, in and above the band."""
    smallest: float
    mean: float
    largest: float
    top: tuple[tuple[int, float], ...]
    """The ten largest ratios: (pose, ratio)."""
    advice: str
    """One sentence for the user; empty when a pose was found in the band."""

    def as_dict(self) -> dict:
        """The fields as data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Selection:
    """The chosen pose, or None; the diagnosis says why."""

    pose: int | None
    ratio: float
    diagnosis: Diagnosis


def score_poses(
    gaussians: Gaussians, path: Sequence[Camera], renderer: Renderer, chosen: Sequence[int], rule: SelectionRule
) -> list[float]:
    """The hole ratio of every pose.

    All poses are scored at low resolution. The free ones with the largest ratios up to `max_hole` are scored again at a
    higher resolution.
    """
    far, near = shrunk(path, FIRST_PASS_PX), shrunk(path, SECOND_PASS_PX)
    finer = clustered(gaussians, path[0].center, 1 / near[0].fx)
    ratios = hole_ratios(clustered(finer, path[0].center, 1 / far[0].fx), far, renderer)
    free = _free(len(path), chosen)
    shortlist = [i for i in np.argsort(-np.asarray(ratios), kind="stable") if free[i] and ratios[i] <= rule.max_hole]
    shortlist = shortlist[:SECOND_PASS_POSES]
    for i, ratio in zip(shortlist, hole_ratios(finer, [near[i] for i in shortlist], renderer), strict=True):
        ratios[i] = ratio
    return ratios


def select_pose(ratios: Sequence[float], chosen: Sequence[int], rule: SelectionRule) -> Selection:
    """The free pose with the largest hole ratio in the band; else the pose of the fallback; else None."""
    r = np.asarray(ratios, dtype=float)
    index, free = np.arange(len(r)), _free(len(r), chosen)
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


def _free(n: int, chosen: Sequence[int]) -> ndarray:
    """Which poses were not chosen yet."""
    free = np.ones(n, dtype=bool)
    free[list(chosen)] = False
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
        smallest=float(r.min(initial=1.0)),
        mean=float(r.mean()) if len(r) else 0.0,
        largest=float(r.max(initial=0.0)),
        top=tuple((int(i), float(r[i])) for i in order),
        advice="" if (free & band).any() else _advice(r, free, below, above, rule),
    )


def _advice(r: np.ndarray, free: np.ndarray, below: np.ndarray, above: np.ndarray, rule: SelectionRule) -> str:
    if not free.any():
        return "every pose was chosen before"
    if not above.any():
        return (
            f"the largest hole is {r[free].max():.2%} of the picture, so nothing is left to paint; for more, "
            f"explore farther (explore) or lower stages.coarse.rule.min_hole (now {rule.min_hole})"
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
