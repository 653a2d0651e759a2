"""cameras.bin, images.bin and points3D.bin: a count, then entries of little-endian numbers."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from vistadream.formats.colmap.model import MODELS, ColmapCamera, ColmapImage, ColmapPoints, refuse_non_finite

_NAMES = {number: name for name, (number, _) in MODELS.items()}
_SEEN = np.dtype([("xy", "<f8", 2), ("point", "<i8")])
_TRACK = np.dtype("<u4")


class _Bytes:
    """The bytes of a file, read from the front. ValueError when they end too early."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def take(self, form: str) -> tuple:
        values = struct.unpack(f"<{form}", self._next(struct.calcsize(f"<{form}")))
        refuse_non_finite(tuple(value for value in values if isinstance(value, float)))
        return values

    def array(self, dtype: np.dtype, count: int) -> np.ndarray:
        return np.frombuffer(self._next(dtype.itemsize * count), dtype)

    def name(self) -> str:
        length = self._data.find(b"\0", self._at) - self._at
        if length < 0:
            raise ValueError(f"a name that begins at byte {self._at} does not end; wanted a whole file")
        return self._next(length + 1)[:-1].decode("utf-8", "surrogateescape")

    def end(self) -> None:
        if left := len(self._data) - self._at:
            raise ValueError(f"{left} bytes follow the last entry; wanted as many entries as the file announces")

    def _next(self, size: int) -> bytes:
        chunk = self._data[self._at : self._at + size]
        if len(chunk) < size:
            raise ValueError(f"ends at byte {len(self._data)}, within an entry; wanted a whole file")
        self._at += size
        return chunk


def read_cameras(data: bytes) -> dict[int, ColmapCamera]:
    """The cameras by id. ValueError says what is wrong; so do the two functions below."""
    found, rest = {}, _Bytes(data)
    for _ in range(*rest.take("Q")):
        key, number, width, height = rest.take("IiQQ")
        if number not in _NAMES or key in found:
            raise ValueError(f"camera {key} has the model {number} or occurs twice; wanted known models, each id once")
        name = _NAMES[number]
        params = rest.take(f"{len(MODELS[name][1].split())}d")
        found[key] = ColmapCamera(key, name, width, height, params)
    rest.end()
    return found


def read_images(data: bytes) -> dict[int, ColmapImage]:
    found, rest = {}, _Bytes(data)
    for _ in range(*rest.take("Q")):
        key, *numbers, camera = rest.take("I7dI")
        if key in found:
            raise ValueError(f"image {key} occurs twice; wanted each id once")
        w, x, y, z, tx, ty, tz = numbers
        name = rest.name()
        seen = rest.array(_SEEN, *rest.take("Q"))
        found[key] = ColmapImage(
            key, (w, x, y, z), (tx, ty, tz), camera, name, seen["xy"].copy(), seen["point"].astype(np.int64)
        )
    rest.end()
    return found


def read_points(data: bytes) -> ColmapPoints:
    rest, rows, tracks = _Bytes(data), [], []
    for _ in range(*rest.take("Q")):
        *row, length = rest.take("q3d3BdQ")
        rows.append(row)
        tracks.append(rest.array(_TRACK, 2 * length).astype(np.int64).reshape(-1, 2))
    rest.end()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    if len(set(ids.tolist())) < len(ids):
        raise ValueError("a point occurs twice; wanted each id once")
    numbers = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 7)
    return ColmapPoints(ids, numbers[:, :3], numbers[:, 3:6].astype(np.uint8), numbers[:, 6], tuple(tracks))


def cameras_bytes(cameras: Iterable[ColmapCamera]) -> bytes:
    return _counted(
        struct.pack(f"<IiQQ{len(c.params)}d", c.camera_id, MODELS[c.model][0], c.width, c.height, *c.params)
        for c in cameras
    )


def images_bytes(images: Iterable[ColmapImage]) -> bytes:
    """ValueError when a name contains the byte 0, which would end it."""
    entries = []
    for image in images:
        name = image.name.encode("utf-8", "surrogateescape")
        if b"\0" in name:
            raise ValueError(f"the image is named {image.name!r}; wanted a name without the character 0")
        seen = np.empty(len(image.point_ids), _SEEN)
        seen["xy"], seen["point"] = image.points_px, image.point_ids
        head = struct.pack("<I7dI", image.image_id, *image.quat_wxyz, *image.translation, image.camera_id)
        entries.append(head + name + b"\0" + struct.pack("<Q", len(seen)) + seen.tobytes())
    return _counted(entries)


def points_bytes(points: ColmapPoints) -> bytes:
    columns = (points.ids.tolist(), points.xyz, points.rgb, points.error_px, points.tracks)
    return _counted(
        struct.pack("<q3d3BdQ", key, *xyz, *rgb, error, len(track)) + track.astype(_TRACK).tobytes()
        for key, xyz, rgb, error, track in zip(*columns, strict=True)
    )


def _counted(entries: Iterable[bytes]) -> bytes:
    whole = list(entries)
    return struct.pack("<Q", len(whole)) + b"".join(whole)
