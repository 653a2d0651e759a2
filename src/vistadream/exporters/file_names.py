"""The names of the files with Gaussians and of the videos. Imports no torch."""

from __future__ import annotations

CONVERTED = ("compressed_ply", "spz", "sog", "glb", "html")
"""Formats of Gaussians that splat-transform writes."""
GAUSSIAN_FORMATS = ("ply", "splat", *CONVERTED)
VIDEO_PICTURES = ("rgb", "depth", "side_by_side")
VIDEO_FORMATS = ("mp4", "gif", "webp")
_NAMES = {"compressed_ply": "gaussians.compressed.ply", "html": "viewer.html"}
"""Names of files that are not simply gaussians.<format>."""


def gaussians_file(form: str) -> str:
    """The name of the file with the Gaussians in one of GAUSSIAN_FORMATS."""
    return _NAMES.get(form, f"gaussians.{form}")


def video_file(picture: str, form: str) -> str:
    """The name of the video of one of VIDEO_PICTURES in one of VIDEO_FORMATS."""
    return f"scene{'' if picture == 'rgb' else f'_{picture}'}.{form}"
