"""Cameras and models of COLMAP, from plain values and as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycolmap

Arrays = dict[str, Any]


def pinhole(camera: dict[str, Any], camera_id: int) -> pycolmap.Camera:
    """COLMAP's camera with one focal length, or with two where the pixels are not square."""
    fx, fy, cx, cy = (camera[key] for key in ("fx", "fy", "cx", "cy"))
    model, focal_px = ("SIMPLE_PINHOLE", [fx]) if fx == fy else ("PINHOLE", [fx, fy])
    size = {"width": camera["width"], "height": camera["height"]}
    params = [*focal_px, cx, cy]
    return pycolmap.Camera(
        camera_id=camera_id, model=model, **size, params=params, has_prior_focal_length=camera["known"]
    )


def read_model(model: pycolmap.Reconstruction) -> Arrays:
    """Registered pictures `images` "n" with `K` and `cam_from_world` "n 3 4"; points with their tracks."""
    images = sorted((model.image(i) for i in model.reg_image_ids()), key=lambda image: image.name)
    points = [model.point3D(i) for i in sorted(model.point3D_ids())]
    seen = [(n, e.image_id, e.point2D_idx) for n, p in enumerate(points) for e in p.track.elements]
    number = {image.image_id: n for n, image in enumerate(images)}
    return {
        "images": np.array([int(image.name[:5]) for image in images], dtype=np.int64),
        "K": np.array([model.camera(image.camera_id).calibration_matrix() for image in images]).reshape(-1, 3, 3),
        "cam_from_world": np.array([image.cam_from_world().matrix() for image in images]).reshape(-1, 3, 4),
        "xyz": np.array([p.xyz for p in points]).reshape(-1, 3),
        "rgb": np.array([p.color for p in points], dtype=np.uint8).reshape(-1, 3),
        "error_px": np.array([p.error for p in points], dtype=np.float64),
        "point_of": np.array([n for n, _, _ in seen], dtype=np.int64),
        "view_of": np.array([number[i] for _, i, _ in seen], dtype=np.int64),
        "px": np.array([model.image(i).points2D[k].xy for _, i, k in seen]).reshape(-1, 2),
    }
