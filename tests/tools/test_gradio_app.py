"""The door of Gradio in an environment of its own, behind proxy variables that lead nowhere."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from vistadream.assets import sample_image

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "gradio_app.py"
NOWHERE = "socks5://127.0.0.1:1"
INSTALLS_WITHIN_S = 300
KNOBS = {"max_resolution": 32, "stages.initialize.steps": 1, "flight.frames": 2, "export": ["gaussians", "report"]}
SCRIPT = f"""
import json, sys
from gradio_client import Client, handle_file
client = Client(sys.argv[1], httpx_kwargs={{"trust_env": False}}, verbose=False)

def make(**knobs):
    asked = json.dumps({KNOBS} | knobs)
    return client.submit(handle_file(sys.argv[2]), "no-outpaint", "quick", 3, asked, api_name="/make")

def problem(job):
    try:
        return job.result()
    except Exception as error:
        return str(error)

steps = list(make())
refused = problem(make(max_resolution=1))
endless = make(**{{"stages.initialize.steps": 10000}})
client.predict(next(iter(endless))[0], api_name="/cancel")
print(json.dumps([steps, refused, problem(endless)]))
"""


def is_of_packages(path: str) -> bool:
    """Whether a part of sys.path has installed packages."""
    return Path(path).name == "site-packages"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with this one's packages, and Gradio with what it needs in place of some of them."""
    folder = tmp_path_factory.mktemp("gradio") / "venv"
    venv.create(folder, symlinks=True)
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "of_the_tests.pth").write_text("\n".join([*filter(is_of_packages, sys.path), str(ROOT / "src")]))
    python = folder / "bin" / "python"
    wanted = ["-c", str(ROOT / "constraints.txt"), "gradio>=6.31,<7", "httpx[socks]", "pillow"]
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", *wanted]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALLS_WITHIN_S)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"gradio cannot be installed: {getattr(error, 'stderr', '') or error}"[:300])
    return python


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    own = {"ALL_PROXY": NOWHERE, "OMP_NUM_THREADS": "1", "GRADIO_TEMP_DIR": str(tmp_path_factory.mktemp("files"))}
    return {**os.environ, **own}


@pytest.fixture
def said(python: Path, environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """What the tool says when it refuses, with exit code 2 and without a traceback; `missing`: a package."""

    def refused(*words: str, missing: str = "nothing") -> str:
        how = {"capture_output": True, "text": True, "timeout": 60, "env": environment, "cwd": tmp_path}
        hidden = f"import runpy, sys; sys.modules[{missing!r}] = None; del sys.argv[0]"
        program = f"{hidden}; runpy.run_path(sys.argv[0], run_name='__main__')"
        done = subprocess.run([python, "-c", program, TOOL, *words], **how)
        assert done.returncode == 2, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr

    return refused


def test_a_script_makes_a_scene_behind_a_proxy_that_leads_nowhere(python, environment, tmp_path):
    command = [python, TOOL, "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as door:
        try:
            url = door.stdout.readline().split("the page is at ")[1].split(";")[0]
            arguments = [python, "-c", SCRIPT, url, str(sample_image())]
            done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, env=environment)
            assert done.returncode == 0, done.stderr
        finally:
            door.terminate()
    steps, refused, cancelled = json.loads(done.stdout.splitlines()[-1])
    job, frame, _, report, files = steps[-1]
    assert f"/#/scene/{job}" in frame
    assert steps[0][:2] == [job, frame], "the scene can be watched from the start"
    assert Path(report).read_text().startswith("<!doctype html>")
    made = tmp_path / "data" / "jobs" / job / "run" / "export" / "gaussians.ply"
    (ply,) = (Path(file) for file in files if Path(file).name == "gaussians.ply")
    assert ply.read_bytes() == made.read_bytes()
    assert "max_resolution" in refused
    assert cancelled == "the job was cancelled; wanted one that is done"


def test_a_missing_package_is_one_sentence(said):
    assert "ALL_PROXY names a SOCKS proxy; wanted the package socksio" in said(missing="socksio")
    assert "the package gradio is not installed; wanted it: pip install" in said(missing="gradio")


def test_nobody_is_let_in_from_elsewhere_without_a_password(said, tmp_path):
    (tmp_path / "users").write_text("alice\n")
    for words in (["--share"], ["--host", "0.0.0.0"], ["--share", "--auth", str(tmp_path / "users")]):
        assert "wanted --auth FILE with lines USER:PASSWORD" in said(*words)


def test_one_environment_holds_both(python):
    program = "import PIL, gradio, vistadream; print(gradio.__version__, PIL.__version__)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True)
    gradio, pillow = map(Version, done.stdout.split())
    assert gradio.major == 6
    assert pillow.major == 12
