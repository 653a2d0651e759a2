"""transforms.json of nerfstudio, instant-ngp and Blender's synthetic scenes: pictures with cameras in OpenGL axes."""

from vistadream.formats.transforms.frames import read_transforms

__all__ = ["read_transforms"]
