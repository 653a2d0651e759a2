"""An installed wheel is the same program as a checkout: the command, with its configuration and sample inside."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel of this checkout, unpacked outside it as pip would."""
    wheels = pytest.importorskip("hatchling.builders.wheel", reason="hatchling, of the extra `dev`, builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = wheels.WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    site = folder / "site"
    zipfile.ZipFile(wheel).extractall(site)
    return site


def test_wheel_holds_every_package_file_and_all_of_conf(installed):
    sources = {path.relative_to(ROOT / "src") for path in (ROOT / "src" / "vistadream").rglob("*") if path.is_file()}
    sources = {path for path in sources if "__pycache__" not in path.parts}
    conf = {Path("vistadream") / path.relative_to(ROOT) for path in (ROOT / "conf").rglob("*.yaml")}
    packed = {path.relative_to(installed) for path in (installed / "vistadream").rglob("*") if path.is_file()}
    assert packed == sources | conf


def test_wheel_runs_without_the_checkout(installed, tmp_path):
    words = ["single-img", "--cfg", "expansion=0.4"]
    code = f"import sys; from vistadream.commands.main import main; sys.exit(main({words}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    assert done.returncode == 0, done.stderr
    assert "expansion: 0.4" in done.stdout
    entry_points = next(installed.glob("vistadream-*.dist-info/entry_points.txt")).read_text()
    assert "vistadream = vistadream.commands.main:main" in entry_points


def test_a_build_without_npm_goes_on_without_the_viewer_and_says_so(tmp_path, monkeypatch):
    pytest.importorskip("hatchling", reason="hatchling, of the extra `dev`, runs the step of the build")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
    (tmp_path / module.SITE).parent.mkdir(parents=True)
    shutil.copy(ROOT / module.SITE, tmp_path / module.SITE)
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    hook = module.ViewerHook(str(tmp_path), {}, None, None, "", "", SimpleNamespace(display_warning=said.append))
    hook.initialize("editable", {})
    assert not said
    hook.initialize("standard", {})
    assert "no npm" in said[0]
    assert not (tmp_path / module.LIB).exists()
