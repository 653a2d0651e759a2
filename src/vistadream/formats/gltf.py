"""Colored points and cameras as binary glTF 2.0 (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html).

docs/decisions/0019-own-glb-writer.md says why no library writes it.
"""

from __future__ import annotations

import json
import math
import struct
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from vistadream.core import Camera

GLTF_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])
"""In glTF y is up and a camera looks along -z. The matrix is its own inverse."""
_POINTS, _LINES = 0, 1
_FLOAT, _ARRAY_BUFFER = 5126, 34962
_FRUSTUM_RGB = (1.0, 0.5, 0.1)
_EDGES = (0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 2, 3, 3, 4, 4, 1)
"""Of a frustum: corner 0 is the camera's center, 1 to 4 are those of the picture."""


def write_points(
    path: Path,
    xyz: Float[np.ndarray, "n 3"],
    rgb: Float[np.ndarray, "n 3"],
    cameras: Mapping[str, Camera],
    frustum_size: float,
) -> None:
    """Writes points in OpenCV axes with sRGB colors, and two nodes for each camera: lines of a frustum, a glTF camera.

    They are two because some readers lose the lines of a node that has a camera too. `frustum_size` is the depth of the
    frustums in units of the scene. The scene's `extras` hold `opencv_from_gltf`; those of both nodes hold `intrinsics`
    (3x3, pixels), `cam_from_world` (4x4 by rows, OpenCV axes), `width` and `height`.
    """
    content = _Content()
    points = content.add_mesh("points", _POINTS, xyz @ GLTF_FROM_OPENCV[:3, :3], rgb)
    content.add("nodes", {"name": "points", "mesh": points})
    for name, camera in cameras.items():
        lines = _frustum(camera, frustum_size)[list(_EDGES)] @ GLTF_FROM_OPENCV[:3, :3]
        colors = np.tile(_FRUSTUM_RGB, (len(lines), 1))
        mesh = content.add_mesh(f"frustum of {name}", _LINES, lines, colors)
        content.add("nodes", {"name": name, "mesh": mesh, **_placed(camera)})
        perspective = content.add("cameras", _perspective(camera))
        content.add("nodes", {"name": f"camera of {name}", "camera": perspective, **_placed(camera)})
    path.write_bytes(content.to_bytes())


class _Content:
    """The lists of entries that refer to each other by their indices, and the buffer with all arrays."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lists: defaultdict[str, list[dict]] = defaultdict(list)

    def add(self, name: str, entry: dict[str, Any]) -> int:
        """The index of a new entry in the list of this name."""
        self._lists[name].append(entry)
        return len(self._lists[name]) - 1

    def add_mesh(self, name: str, mode: int, xyz: np.ndarray, rgb: np.ndarray) -> int:
        """The index of a new mesh of points or lines."""
        attributes = {"POSITION": self._add_array(xyz), "COLOR_0": self._add_array(linear_rgb(rgb))}
        return self.add("meshes", {"name": name, "primitives": [{"attributes": attributes, "mode": mode}]})

    def _add_array(self, values: Float[np.ndarray, "n 3"]) -> int:
        values = np.ascontiguousarray(values, "<f4")
        place = {"buffer": 0, "byteOffset": len(self._buffer), "byteLength": values.nbytes, "target": _ARRAY_BUFFER}
        view = self.add("bufferViews", place)
        self._buffer += values.tobytes()
        bounds = {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        return self.add(
            "accessors", {"bufferView": view, "componentType": _FLOAT, "type": "VEC3", "count": len(values), **bounds}
        )

    def to_bytes(self) -> bytes:
        """The header, the JSON and the buffer; the lengths of both are multiples of four bytes."""
        extras = {"opencv_from_gltf": GLTF_FROM_OPENCV.tolist()}
        content = {
            "asset": {"version": "2.0", "generator": "VistaDream"},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(self._lists["nodes"]))), "extras": extras}],
            **self._lists,
            "buffers": [{"byteLength": len(self._buffer)}],
        }
        text = json.dumps(content, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = b"".join(
            struct.pack("<I4s", len(chunk), kind) + chunk for kind, chunk in ((b"JSON", text), (b"BIN\0", self._buffer))
        )
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def linear_rgb(srgb: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """sRGB colors in [0, 1] as linear colors, as glTF wants them for vertices."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _frustum(camera: Camera, size: float) -> Float[np.ndarray, "5 3"]:
    """Center and corners in the camera's OpenCV axes, the corners at z = size."""
    w, h = camera.width, camera.height
    x = (np.array([0, 0, w, w, 0]) - camera.cx) / camera.fx * size
    y = (np.array([0, 0, 0, h, h]) - camera.cy) / camera.fy * size
    corners = np.stack([x, y, np.full(5, size)], axis=1)
    corners[0] = 0
    return corners


def _perspective(camera: Camera) -> dict[str, Any]:
    """glTF's camera, which has its principal point in the middle."""
    yfov = 2 * math.atan(camera.height / 2 / camera.fy)
    aspect = camera.width * camera.fy / (camera.height * camera.fx)
    return {"type": "perspective", "perspective": {"yfov": yfov, "aspectRatio": aspect, "znear": 0.01}}


def _placed(camera: Camera) -> dict[str, Any]:
    """The pose of a camera's node, and its OpenCV matrices."""
    world_from_cam = GLTF_FROM_OPENCV @ camera.world_from_cam.double().cpu().numpy() @ GLTF_FROM_OPENCV
    extras = {"intrinsics": camera.K.tolist(), "cam_from_world": camera.cam_from_world.tolist()}
    return {
        "matrix": world_from_cam.T.flatten().tolist(),
        "extras": {**extras, "width": camera.width, "height": camera.height},
    }
