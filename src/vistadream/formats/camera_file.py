"""Reads cameras from any of the formats, by the content of the file."""

from __future__ import annotations

import os
from pathlib import Path

from vistadream.core import UserError
from vistadream.formats import colmap
from vistadream.formats.camera_entry import Entry
from vistadream.formats.camera_list import list_entry
from vistadream.formats.colmap_cameras import read_colmap
from vistadream.formats.json_file import read_json
from vistadream.formats.nerfstudio import path_entry


def camera_files(path: Path) -> list[Path]:
    """The files that `read_cameras` depends on: a file itself, or those of the COLMAP model in a folder."""
    return colmap.files_of(path) if os.path.isdir(path) else [path]


def read_cameras(path: Path) -> list[Entry]:
    """The cameras of a file or folder, in order; UserError names the file, the entry and what was wanted."""
    if os.path.isdir(path):
        return read_colmap(path)
    try:
        content = read_json(path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such camera file; wanted a JSON file, or a folder with a COLMAP model") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); wanted a file with cameras in JSON") from error
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as JSON ({error}); wanted a list of cameras in JSON") from error
    for key, entry_of in (("cameras", list_entry), ("camera_path", path_entry)):
        items = content.get(key) if isinstance(content, dict) else None
        if isinstance(items, list):
            return [entry_of(f"{path}: {key}[{i}]", item, content) for i, item in enumerate(items)]
    raise UserError(f"{path}: holds no list of cameras; wanted one under `cameras`, or nerfstudio's `camera_path`")
