"""Results that can be made of a finished scene after its run, by the names of their files. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

from vistadream.exporters.file_names import GAUSSIAN_FORMATS, VIDEO_FORMATS, VIDEO_PICTURES, gaussians_file, video_file

_GAUSSIANS = {gaussians_file(form): (f"export=[{form}]",) for form in GAUSSIAN_FORMATS}
_VIDEOS = {
    video_file(picture, form): (
        "export=[video]",
        f"export.video.pictures=[{picture}]",
        f"export.video.formats=[{form}]",
    )
    for picture in VIDEO_PICTURES
    for form in VIDEO_FORMATS
}
MADE_LATER: Mapping[str, tuple[str, ...]] = {
    **_GAUSSIANS,
    **_VIDEOS,
    "points.glb": ("export=[point_cloud]",),
    "points.obj": ("export=[obj]", "export.obj.mesh=none"),
    "mesh.obj": ("export=[obj]", "export.obj.mesh=poisson"),
    "npz/results.npz": ("export=[npz]",),
    "mini_npz/results.npz": ("export=[mini_npz]",),
    "depth_vis/input.jpg": ("export=[depth_vis]",),
    "colmap/sparse/0/cameras.bin": ("export=[colmap]", "export.colmap.format=bin"),
    "nerfstudio/transforms.json": ("export=[nerfstudio]",),
    "fastgs/meta.json": ("export=[fastgs]",),
    "scene.rrd": ("export=[recording]",),
}
"""The words that ask for each, in addition to those of the run. Of a result with many files one is named, which stands
for all. The report and the figures are not among them, as they tell of the run and not of the scene."""
