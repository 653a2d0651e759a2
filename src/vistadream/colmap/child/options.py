"""COLMAP's options for a few photos, in one thread and with seeds everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pycolmap


def photo_after_photo(
    seed: int, constant_cameras: Sequence[int] = (), **triangulation: Any
) -> pycolmap.IncrementalPipelineOptions:
    """Options for few photos: points count that only two of them see, and so do small angles and few matches."""
    few = {"init_min_tri_angle": 4.0, "init_min_num_inliers": 30, "abs_pose_min_num_inliers": 15}
    return pycolmap.IncrementalPipelineOptions(
        num_threads=1,
        random_seed=seed,
        min_model_size=2,
        constant_cameras=set(constant_cameras),
        mapper={"num_threads": 1, "random_seed": seed, **few},
        triangulation={"random_seed": seed, "ignore_two_view_tracks": False, **triangulation},
    )


def all_at_once(seed: int) -> pycolmap.GlobalPipelineOptions:
    """Options of the global mapper."""
    once: dict[str, Any] = {"random_seed": seed, "num_threads": 1}
    seeded = {name: {"random_seed": seed} for name in ("rotation_averaging", "global_positioning", "retriangulation")}
    solver = {"ceres": {"solver_options": {"num_threads": 1}}}
    return pycolmap.GlobalPipelineOptions(
        min_model_size=2, **once, mapper={**once, **seeded, "bundle_adjustment": solver}
    )
