"""cameras.txt, images.txt and points3D.txt.

Words are separated by white space; empty lines and lines that begin with # are skipped. An image takes two lines: its
pose, and the next line, whatever it is, as its 2D points; that line can be empty or a comment. Where COLMAP silently
ignores data (a missing or damaged line of 2D points, an odd track, a level above 255), this reader refuses the file.
Where COLMAP loses data (the last image when the file ends before its 2D points, all but the first word of a name),
this reader keeps it.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from vistadream.formats.colmap.model import ColmapCamera, ColmapImage, ColmapPoints, refuse_non_finite

Report = Callable[[str], None]
"""Receives the line and what is wrong with it. If it does not raise, the entry is skipped."""
Entry = TypeVar("Entry")


def read_cameras(data: bytes, report: Report) -> dict[int, ColmapCamera]:
    """CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]"""
    return dict(_entries(((number, _camera, (line,)) for number, line in _lines(data) if _is_data(line)), report))


def read_images(data: bytes, report: Report) -> dict[int, ColmapImage]:
    """IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of X Y POINT3D_ID for each 2D point."""
    lines = _lines(data)
    pairs = ((number, _image, (line, next(lines, (0, b""))[1])) for number, line in lines if _is_data(line))
    return dict(_entries(pairs, report))


def read_points(data: bytes, report: Report) -> ColmapPoints:
    """POINT3D_ID X Y Z R G B ERROR, then IMAGE_ID POINT2D_IDX for each image that sees the point."""
    found = dict(_entries(((number, _point, (line,)) for number, line in _lines(data) if _is_data(line)), report))
    numbers = np.array([row for row, _ in found.values()], dtype=np.float64).reshape(-1, 7)
    return ColmapPoints(
        np.array(list(found), dtype=np.int64),
        numbers[:, :3],
        numbers[:, 3:6].astype(np.uint8),
        numbers[:, 6],
        tuple(track for _, track in found.values()),
    )


def cameras_text(cameras: Iterable[ColmapCamera]) -> str:
    lines = [f"{c.camera_id} {c.model} {c.width} {c.height} {_words(c.params)}" for c in cameras]
    return "\n".join(["# CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]", *lines, ""])


def images_text(images: Iterable[ColmapImage]) -> str:
    """ValueError when a name holds white space: COLMAP reads the first word only."""
    lines = ["# IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME, then a line of 2D points: X Y POINT3D_ID"]
    for image in images:
        if image.name.split() != [image.name]:
            raise ValueError(f"the image is named {image.name!r}; wanted a name without white space in a text model")
        seen = zip(image.points_px.tolist(), image.point_ids.tolist(), strict=True)
        lines.append(
            f"{image.image_id} {_words((*image.quat_wxyz, *image.translation))} {image.camera_id} {image.name}"
        )
        lines.append(" ".join(f"{x!r} {y!r} {point}" for (x, y), point in seen))
    return "\n".join([*lines, ""])


def points_text(points: ColmapPoints) -> str:
    columns = (points.ids, points.xyz, points.rgb, points.error_px, points.tracks)
    lines = [
        " ".join([str(key), _words(xyz.tolist()), *map(str, rgb), repr(float(error)), *map(str, track.flat)])
        for key, xyz, rgb, error, track in zip(*columns, strict=True)
    ]
    return "\n".join(["# POINT3D_ID X Y Z R G B ERROR TRACK[] as IMAGE_ID POINT2D_IDX", *lines, ""])


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The number of each line, and the line without white space at its ends."""
    return enumerate((line.strip() for line in data.removeprefix(BOM_UTF8).split(b"\n")), 1)


def _is_data(line: bytes) -> bool:
    return bool(line) and not line.startswith(b"#")


def _entries(
    found: Iterable[tuple[int, Callable[..., tuple[int, Entry]], tuple[bytes, ...]]], report: Report
) -> Iterator[tuple[int, Entry]]:
    """Id and value of each well-formed entry, given its line number, its parser and its lines."""
    seen = set()
    for number, parse, lines in found:
        try:
            key, value = parse(*lines)
            if key in seen:
                raise ValueError(f"id {key} occurs again; wanted each id once")
        except ValueError as error:
            report(f"line {number}: {error}")
        else:
            seen.add(key)
            yield key, value


def _camera(line: bytes) -> tuple[int, ColmapCamera]:
    words = line.split()
    if len(words) < 4:
        raise ValueError(f"got {len(words)} words; wanted CAMERA_ID MODEL WIDTH HEIGHT PARAMS[]")
    key, width, height = (_whole(words[i], name) for i, name in ((0, "CAMERA_ID"), (2, "WIDTH"), (3, "HEIGHT")))
    return key, ColmapCamera(key, words[1].decode("ascii", "replace"), width, height, _floats(words[4:]))


def _image(line: bytes, points: bytes) -> tuple[int, ColmapImage]:
    words = line.split(maxsplit=9)
    if len(words) < 10:
        raise ValueError(f"got {len(words)} words; wanted IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME")
    key, camera = _whole(words[0], "IMAGE_ID"), _whole(words[8], "CAMERA_ID")
    w, x, y, z, *translation = _floats(words[1:8])
    tx, ty, tz = translation
    name = words[9].decode("utf-8", "surrogateescape")
    return key, ColmapImage(key, (w, x, y, z), (tx, ty, tz), camera, name, *_points_2d(points))


def _points_2d(line: bytes) -> tuple[np.ndarray, np.ndarray]:
    words = line.split() if _is_data(line) else []
    try:
        if len(words) % 3:
            raise ValueError("their number is not a multiple of three")
        xy = [*zip(_floats(words[::3]), _floats(words[1::3]), strict=True)]
        ids = [-1 if word == b"-1" else _whole(word, "POINT3D_ID") for word in words[2::3]]
    except ValueError as error:
        raise ValueError(
            f"its line of 2D points is missing or damaged: the next line holds {len(words)} words ({error}); wanted "
            "three words for each point (X Y POINT3D_ID) or an empty line, as every image takes two lines"
        ) from error
    return np.array(xy, dtype=np.float64).reshape(-1, 2), np.array(ids, dtype=np.int64)


def _point(line: bytes) -> tuple[int, tuple[list[float], np.ndarray]]:
    words = line.split()
    if len(words) < 8 or len(words) % 2:
        raise ValueError(f"got {len(words)} words; wanted POINT3D_ID X Y Z R G B ERROR TRACK[]")
    rgb = [_whole(word, "color") for word in words[4:7]]
    if max(rgb) > 255:
        raise ValueError(f"the color is {' '.join(map(str, rgb))}; wanted three levels of 0 to 255")
    row = [*_floats(words[1:4]), *rgb, *_floats(words[7:8])]
    track = [_whole(word, "track") for word in words[8:]]
    return _whole(words[0], "POINT3D_ID"), (row, np.array(track, dtype=np.int64).reshape(-1, 2))


def _whole(word: bytes, name: str) -> int:
    if not word.isdigit() or len(word) > 18:
        raise ValueError(f"{name} is {word[:40].decode('ascii', 'replace')!r}; wanted a whole number, 0 or more")
    return int(word)


def _floats(words: Sequence[bytes]) -> tuple[float, ...]:
    if any(b"_" in word for word in words):
        raise ValueError(f"got {b' '.join(words)[:40].decode('ascii', 'replace')!r}; wanted numbers")
    values = tuple(float(word) for word in words)
    refuse_non_finite(values)
    return values


def _words(values: Sequence[float]) -> str:
    return " ".join(repr(float(value)) for value in values)
