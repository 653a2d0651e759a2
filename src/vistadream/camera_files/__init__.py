"""Camera paths from files: our own JSON, a nerfstudio camera path, a COLMAP model as text."""

from vistadream.camera_files.custom import Custom
from vistadream.camera_files.read import read_cameras
from vistadream.formats.camera_entry import Entry

__all__ = ["Custom", "Entry", "read_cameras"]
