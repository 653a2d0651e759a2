"""COLMAP's sparse model, as text and as binary (https://colmap.github.io/format.html)."""

from vistadream.formats.colmap.cameras import camera_of, image_of, pose_of
from vistadream.formats.colmap.folder import files_of, read_cameras, read_images, read_points, suffix_of, write_model
from vistadream.formats.colmap.model import MODELS, ColmapCamera, ColmapImage, ColmapPoints

__all__ = [
    "MODELS",
    "ColmapCamera",
    "ColmapImage",
    "ColmapPoints",
    "camera_of",
    "files_of",
    "image_of",
    "pose_of",
    "read_cameras",
    "read_images",
    "read_points",
    "suffix_of",
    "write_model",
]
