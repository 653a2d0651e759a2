"""How good a model is, and which of two is better."""

from __future__ import annotations

import numpy as np
import pycolmap

from vistadream.colmap.child.model import read_model


def score(model: pycolmap.Reconstruction) -> list[float]:
    """Registered pictures, points, their mean reprojection error in pixels, and the support at 1 px."""
    error_px = model.compute_mean_reprojection_error()
    return [model.num_reg_images(), model.num_points3D(), error_px, support(model, 1.0)]


def rank(scored: list[float]) -> tuple[float, float]:
    return scored[0], round(scored[3])


def by_rank(model: pycolmap.Reconstruction) -> tuple[float, float]:
    return rank(score(model))


def support(model: pycolmap.Reconstruction, scale_px: float) -> float:
    """The number of observations, each counted less the closer it comes to an error of `scale_px`.

    Unlike the mean error, it does not prefer a model that explains fewer observations.
    """
    return float(np.maximum(0, 1 - (reprojection_errors(model) / scale_px) ** 2).sum())


def reprojection_errors(model: pycolmap.Reconstruction) -> np.ndarray:
    """The error of each observation in pixels."""
    found = read_model(model)
    pose, K = found["cam_from_world"][found["view_of"]], found["K"][found["view_of"]]
    cam = np.einsum("nij,nj->ni", pose[:, :, :3], found["xyz"][found["point_of"]]) + pose[:, :, 3]
    image = np.einsum("nij,nj->ni", K, cam)
    return np.hypot(*(image[:, :2] / image[:, 2:] - found["px"]).T)
