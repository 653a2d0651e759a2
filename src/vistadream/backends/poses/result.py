"""A model of COLMAP as a Registration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from vistadream.colmap.process import Arrays
from vistadream.core import Camera, Note, Registration, SparsePoints, View


def registration_of(
    model: Arrays, views: Sequence[View], figures: Mapping[str, Any], remarks: Sequence[Note] = (), **facts: bool
) -> Registration:
    """From the arrays of the child's tasks `map` and `triangulate`."""
    names = [views[i].name for i in model["images"]]
    cameras = {}
    for i, K, pose in zip(model["images"], model["K"], model["cam_from_world"], strict=True):
        cam_from_world = torch.eye(4)
        cam_from_world[:3] = torch.from_numpy(pose)
        size = views[i].camera.width, views[i].camera.height
        cameras[views[i].name] = Camera(torch.from_numpy(K).float(), cam_from_world, *size)
    points = SparsePoints(
        xyz=torch.from_numpy(model["xyz"]).float(),
        rgb=torch.from_numpy(model["rgb"]).float() / 255,
        error_px=torch.from_numpy(model["error_px"]).float(),
        views=tuple(names),
        point_of=torch.from_numpy(model["point_of"]),
        view_of=torch.from_numpy(model["view_of"]),
        px=torch.from_numpy(model["px"]).float(),
    )
    return Registration(cameras, points, dict(figures), tuple(remarks), **facts)
