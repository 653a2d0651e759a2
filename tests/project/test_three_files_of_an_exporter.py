"""Adding a result takes a class, a YAML and a test: here in a copy of the project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vistadream.config import conf_folder

ROOT = conf_folder().parent
CLASS = '''
"""The centers of the Gaussians as a NumPy file."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from vistadream.core import ExportContext, Scene


@dataclass(frozen=True)
class Points:
    """Every `step`-th center."""

    place: ClassVar[Literal["export"]] = "export"

    step: int

    def __call__(self, scene: Scene, target: Path, context: ExportContext) -> None:
        np.save(target / "points.npy", scene.gaussians.means[:: self.step].numpy())
'''
YAML = """# @package export.points
_target_: vistadream.exporters.points.Points
step: 10 # keeps every 10th point
"""
TEST = """
import json
import sys
from pathlib import Path

import numpy as np

from vistadream.app import run

SMALL = ["max_resolution=64", "stage=no-outpaint", "stages.initialize.steps=1", "rerun.mode=off"]
out = Path(sys.argv[1])
first = run([*SMALL, "export=[ply]", f"out={out}"])
assert sorted(file.name for file in (first.folder / "export").iterdir()) == ["gaussians.ply"]
again = run([f"resume={first.folder}", "export=[points]", "export.points.step=5"])
assert len(np.load(again.folder / "export" / "points.npy")) == -(-len(again.scene.gaussians) // 5)
print(json.loads((again.folder / "results.json").read_text())["files"])
try:
    run([*SMALL, "export=[point]", f"out={out}"])
except Exception as error:
    print(error)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the class and the YAML."""
    for folder in ("src", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "src" / "vistadream" / "exporters" / "points.py").write_text(CLASS)
    (tmp_path / "conf" / "export" / "points.yaml").write_text(YAML)
    return tmp_path


def test_a_class_and_a_yaml_make_an_exporter(project: Path, tmp_path: Path) -> None:
    """A finished run gets the new result and keeps the others; a wrong name is answered with the new one."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    command = [sys.executable, "-c", TEST, str(tmp_path / "out")]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *_, files, error = done.stdout.splitlines()
    assert json.loads(files.replace("'", '"')) == ["export/gaussians.ply", "export/points.npy"]
    assert "point is not a result" in error
    assert error.endswith("did you mean points?")
