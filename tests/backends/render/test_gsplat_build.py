"""The build of the kernels in the background, by a package of gsplat's name that is slow and counts its builds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from vistadream.backends.render import gsplat_build, gsplat_kernels
from vistadream.backends.render.gsplat_build import Build, built
from vistadream.backends.render.gsplat_kernels import begin_build, require_kernels
from vistadream.core import Note, UserError, use_observer

BACKEND = """
import os, subprocess, sys, time
from pathlib import Path
home = Path(os.environ["TORCH_EXTENSIONS_DIR"])
library = home / "gsplat_cuda" / "gsplat_cuda.so"
_C = object()
if not library.exists():
    with (home / "builds").open("a") as builds:
        builds.write(f"{os.getpid()}\\n")
    {act}
    library.touch()
"""
SLEEPS = "subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)"


@pytest.fixture
def gsplat(tmp_path, monkeypatch):
    """Makes the package; its argument is what a build does."""
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "builds"))
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    for name in [name for name in sys.modules if name.split(".")[0] == "gsplat"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(gsplat_kernels, "_background", [])

    def make(act="time.sleep(1)"):
        package = tmp_path / "packages" / "gsplat" / "cuda"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "_backend.py").write_text(BACKEND.replace("{act}", act))
        return tmp_path / "builds" / "builds"

    yield make
    require_kernels.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "gsplat"]:
        del sys.modules[name]


@pytest.fixture
def said():
    notes = []
    with use_observer(lambda name, value, step=None: notes.append(value.text) if isinstance(value, Note) else None):
        yield notes


def wait_for(condition, seconds=40):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def builders(file):
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_a_build_is_announced_goes_on_in_the_background_and_is_waited_for_at_the_first_drawing(gsplat, said):
    builds = gsplat()
    begin_build()
    begin_build()
    assert not builders(builds), "the run goes on at once"
    require_kernels()
    (builder,) = builders(builds)
    assert builder != os.getpid()
    assert built()
    assert len([text for text in said if "are compiled, once on this computer: about" in text]) == 1
    assert any("the run waits" in text for text in said)


def test_what_is_built_is_neither_announced_nor_built_again(gsplat, said):
    builds = gsplat()
    begin_build()
    require_kernels()
    said.clear()
    require_kernels.cache_clear()
    begin_build()
    require_kernels()
    assert len(builders(builds)) == 1
    assert said == []


def test_two_runs_do_not_build_twice(gsplat):
    builds = gsplat()
    both = [Build(), Build()]
    assert [build.result() for build in both] == [None, None]
    assert len(builders(builds)) == 1


def test_a_build_that_fails_in_the_background_is_one_sentence_at_the_first_drawing(gsplat):
    gsplat("raise RuntimeError('Error building extension\\nhost_config.h:143: error: unsupported GNU version')")
    begin_build()
    with pytest.raises(UserError, match=r"unsupported GNU version.*backends/render=cpu") as caught:
        require_kernels()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_run_ends_in_the_middle(gsplat, end):
    """Neither the process that builds nor the compiler that it started in a session of its own."""
    builds = gsplat(SLEEPS)
    code = "from vistadream.backends.render.gsplat_kernels import begin_build as b; b(); import time; time.sleep(60)"
    paths = os.pathsep.join(filter(None, sys.path))
    run = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.PIPE
    )
    wait_for(lambda: builders(builds))
    (builder,) = builders(builds)
    wait_for(lambda: psutil.Process(builder).children())
    (compiler,) = psutil.Process(builder).children()
    run.send_signal(end)
    run.communicate()
    wait_for(lambda: not psutil.pid_exists(builder) or psutil.Process(builder).status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: not compiler.is_running() or compiler.status() == psutil.STATUS_ZOMBIE)


def test_without_a_compiler_the_command_that_installs_one_is_named_before_the_run_begins(gsplat, monkeypatch):
    gsplat()
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match=r"there is no C\+\+ compiler: sudo apt install g\+\+"):
        begin_build()


def test_kernels_that_came_with_the_package_are_not_built(gsplat, tmp_path):
    gsplat()
    assert not built()
    Path(tmp_path, "packages", "gsplat", "csrc.so").touch()
    assert built()
    begin_build()
    assert not gsplat_kernels._background


def test_the_session_prepares_a_renderer_before_it_draws(tmp_path):
    from vistadream import job
    from vistadream.config import configured
    from vistadream.session import run

    class Renderer:
        def __init__(self):
            self.calls = []
            self.draw = configured("backends/render=cpu")

        def prepare(self):
            self.calls.append("prepare")

        def __call__(self, *given, **more):
            self.calls.append("draw")
            return self.draw(*given, **more)

    renderer = Renderer()
    knobs = {"max_resolution": 48, "stages.initialize.steps": 1, "rerun.mode": "off", "export": ["ply"]}
    run(job(stage="no-outpaint", out=tmp_path, knobs=knobs, render=renderer))
    assert renderer.calls[:2] == ["prepare", "draw"]
    assert renderer.calls.count("prepare") == 1


def test_the_lock_is_beside_the_folder_that_gsplat_removes(gsplat):
    gsplat()
    with gsplat_build._alone():
        assert gsplat_build._library().parent.parent.joinpath("gsplat_cuda.vistadream.lock").is_file()
