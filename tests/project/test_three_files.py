"""Adding a backend takes three files: those of CONTRIBUTING.md, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILDS = """
from vistadream.config import choose, compose
composed = compose(["backends/depth=wall", "backends.depth.distance_m=3.5"])
print(composed.build("backends.depth"), choose("depth").name, composed.choices["depth"].name)
"""


def walk() -> dict[str, str]:
    """Path -> text of the files that CONTRIBUTING.md shows."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.findall(r"^\d\. `([^`]+)`:.*?^   ```\w+\n(.*?)^   ```$", text, re.MULTILINE | re.DOTALL)
    return {path: textwrap.dedent(code) for path, code in found}


@pytest.fixture
def project(tmp_path):
    """A copy of the project with the three files."""
    for folder in ("src", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in walk().items():
        assert not (ROOT / path).exists()
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def python(project: Path, *words: str) -> str:
    """The output of a Python that imports the package of the copy."""
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    done = subprocess.run([sys.executable, *words], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_walk_has_a_class_a_yaml_and_a_test():
    assert [path.split("/")[0] for path in walk()] == ["src", "conf", "tests"]


def test_three_files_make_a_backend_and_a_word_makes_auto_take_it(project):
    python(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", [*walk()][-1])
    assert python(project, "-c", BUILDS).split() == ["WallDepth(distance_m=3.5)", "embedded", "wall"]
    order = project / "conf" / "auto.yaml"
    order.write_text(order.read_text().replace("depth: [", "depth: [wall, "), encoding="utf-8")
    assert python(project, "-c", BUILDS).split()[1] == "wall"
