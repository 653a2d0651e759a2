"""Runs one task of a request.

The request is a JSON file in a folder with pictures/. The arrays of the task are written to result.npz there. Each line
of the standard output is one report of progress: [what, done, total].
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pycolmap

from vistadream.colmap.child.matching import match
from vistadream.colmap.child.meshing import mesh
from vistadream.colmap.child.parent import end_with_parent
from vistadream.colmap.child.starts import find_cameras
from vistadream.colmap.child.triangulation import triangulate

_TASKS = {"match": match, "map": find_cameras, "triangulate": triangulate, "mesh": mesh}


def main(file: Path) -> None:
    """Runs the task of a request."""
    request = json.loads(file.read_text(encoding="utf-8"))
    end_with_parent(request["parent"])
    pycolmap.logging.minloglevel = 2
    pycolmap.set_random_seed(request["seed"])
    np.savez(file.parent / "result.npz", **_TASKS[request["task"]](file.parent, request))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
