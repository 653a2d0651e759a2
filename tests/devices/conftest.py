"""A scene to export, and what exporters are given with it."""

from tests.exporters.conftest import context, cube, scene

__all__ = ["context", "cube", "scene"]
