"""Stage register: where the camera of each photo stood, and points that several photos see."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from vistadream.core import (
    Camera,
    Note,
    Observer,
    PlacedPhoto,
    PoseEstimator,
    Registration,
    Scene,
    SparsePoints,
    Summary,
    UserError,
    View,
)
from vistadream.core.knobs import ABOVE_0, check_ranges

_LEAST_MEASURED = 10
"""The number of points with a measured depth from which on they fix the unit."""

_NEAR = 0.05
"""The pictures of cameras are shown at this share of the median depth."""


@dataclass(frozen=True)
class Register:
    """Gives each photo its camera, and the scene its points. Photos that do not fit the others are left out.

    The first photo that is kept becomes the anchor, whose camera is the origin of the world. Depths that were measured
    set the unit; without them it is chosen so that the anchor sees its points at a median depth of `median_depth`.
    """

    poses: PoseEstimator
    median_depth: float

    def __post_init__(self) -> None:
        check_ranges(self, median_depth=ABOVE_0)

    def __call__(self, scene: Scene, observe: Observer) -> Scene:
        found = self.poses(scene.photos)
        kept = [view for view in scene.photos if view.name in found.cameras]
        if len(kept) < 2:
            raise UserError(f"{len(kept)} of {len(scene.photos)} photos could be registered; wanted two or more")
        views, points, is_metric = self._scaled(*_about(kept, found), found.keeps_unit)
        _report(scene.photos, views, points, found, is_metric, observe)
        distance = _NEAR * _median_z(views, points)
        for view in views:
            observe(f"register/cameras/{view.name}", PlacedPhoto(view.camera, view.rgb, distance))
        observe("register/points", points)
        return replace(scene, views=tuple(views), points=points, is_metric=is_metric)

    def _scaled(
        self, views: list[View], points: SparsePoints, keeps_unit: bool
    ) -> tuple[list[View], SparsePoints, bool]:
        """Everything in the unit of the measured depths, if there are any; and whether that is so."""
        ratio = _measured_ratio(views, points)
        if keeps_unit and any(view.z is not None for view in views):
            return views, points, True
        if ratio is not None:
            return *_rescaled(views, points, ratio), True
        median = _median_z(views, points)
        without_depth = [replace(view, z=None) for view in views]
        return *_rescaled(without_depth, points, self.median_depth / median if median > 0 else 1.0), False


def _median_z(views: Sequence[View], points: SparsePoints) -> float:
    """The median depth of the points that the anchor sees, which is the first view; NaN if it sees none."""
    index, _ = points.seen_by(views[0].name)
    seen = views[0].camera.project(points.xyz[index])[1]
    return float(seen.median()) if len(seen) else math.nan


def _about(kept: Sequence[View], found: Registration) -> tuple[list[View], SparsePoints]:
    """The views and points in the world of the first view's camera."""
    world_from_anchor = found.cameras[kept[0].name].world_from_cam.double()
    views = []
    for view in kept:
        camera = found.cameras[view.name]
        pose = (camera.cam_from_world.double() @ world_from_anchor).float()
        camera = camera.at(torch.eye(4) if view is kept[0] else pose)
        views.append(replace(view, camera=camera, focal_known=True, pose_known=True))
    R, t = world_from_anchor[:3, :3], world_from_anchor[:3, 3]
    xyz = ((found.points.xyz.double() - t) @ R).float()
    return views, replace(found.points, xyz=xyz)


def _measured_ratio(views: Sequence[View], points: SparsePoints) -> float | None:
    """The median of measured depth over the depth of the points; None where too few points have a measured depth."""
    ratios = []
    for view in views:
        if view.z is not None:
            index, px = points.seen_by(view.name)
            column, row = px.long().unbind(1)
            inside = (column >= 0) & (column < view.camera.width) & (row >= 0) & (row < view.camera.height)
            z = view.camera.project(points.xyz[index[inside]])[1]
            at = row[inside].to(view.z.device), column[inside].to(view.z.device)
            measured = view.z[at].to(z.device)
            known = (measured > 0) & measured.isfinite() & (z > 0)
            ratios.append(measured[known] / z[known])
    joined = torch.cat(ratios) if ratios else torch.zeros(0)
    return float(joined.median()) if len(joined) >= _LEAST_MEASURED else None


def _rescaled(views: Sequence[View], points: SparsePoints, factor: float) -> tuple[list[View], SparsePoints]:
    """The cameras and points in a unit that is `factor` times smaller."""
    return [replace(view, camera=_scaled_camera(view.camera, factor)) for view in views], replace(
        points, xyz=points.xyz * factor
    )


def _scaled_camera(camera: Camera, factor: float) -> Camera:
    pose = camera.cam_from_world.clone()
    pose[:3, 3] *= factor
    return camera.at(pose)


def _report(
    photos: Sequence[View],
    views: Sequence[View],
    points: SparsePoints,
    found: Registration,
    is_metric: bool,
    observe: Observer,
) -> None:
    """One line about everything, one for each photo that is left out, and the remarks of the estimator."""
    errors = {view.name: _error_px(view, points) for view in views}
    reasons = {p.name: _reason(p.name, found.figures) for p in photos if p.name not in errors}
    focal_px = sorted(view.camera.fx for view in views)
    error_px = float(points.error_px.mean()) if len(points) else None
    lens = f"focal length {focal_px[0]:.0f} px"
    if focal_px[-1] - focal_px[0] > 0.5:
        lens = f"focal lengths {focal_px[0]:.0f} to {focal_px[-1]:.0f} px"
    accuracy = "no points" if error_px is None else f"{len(points):,} points, {error_px:.2f} px"
    data = {
        "photos": [
            {"name": p.name, "used": p.name in errors, "reason": reasons.get(p.name), "error_px": errors.get(p.name)}
            for p in photos
        ],
        "registered": len(views),
        "points": len(points),
        "reprojection_error_px": error_px,
        "focal_px": {view.name: view.camera.fx for view in views},
        "is_metric": is_metric,
        "poses": dict(found.figures),
    }
    observe("register/summary", Summary(f"{len(views)} of {len(photos)} photos registered, {accuracy}, {lens}", data))
    few = 2 * len(views) < len(photos)
    for name, reason in reasons.items():
        observe("register/left_out", Note(f"{name} is not used: {reason}", "warning" if few else "info"))
    for remark in found.remarks:
        observe("register/remark", remark)


def _reason(name: str, figures: Mapping[str, Any]) -> str:
    """Why a photo is left out."""
    matches = figures.get("matches", {}).get(name, 0)
    return f"it does not fit the others ({matches} matches at best)" if matches else "it matches no other photo"


def _error_px(view: View, points: SparsePoints) -> float | None:
    """The mean reprojection error of the points that a view sees."""
    index, px = points.seen_by(view.name)
    if not len(index):
        return None
    return float((view.camera.project(points.xyz[index])[0] - px).norm(dim=1).mean())
