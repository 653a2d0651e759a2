"""COLMAP's process ends with its parent, and loads nothing that pycolmap breaks."""

import os
import pkgutil
import signal
import subprocess
import sys
import textwrap
import time

import psutil

from vistadream.colmap import child


def test_a_killed_parent_leaves_no_child(tmp_path):
    """The child is kept busy by a picture that never comes to an end: a pipe without a writer."""
    program = f"""
    import os
    from pathlib import Path
    from vistadream.colmap.process import Task, run_task
    folder = Path({str(tmp_path)!r})
    (folder / "pictures").mkdir()
    os.mkfifo(folder / "pictures" / "00000.png")
    camera = dict(width=32, height=32, fx=30.0, fy=30.0, cx=16.0, cy=16.0, known=False)
    task = Task("match", "aim", "group", "otherwise")
    run_task(folder, task, seed=0, cameras=[camera], camera_of=[0], pairs=[], features=10)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    try:
        child = wait_for(lambda: next(iter(psutil.Process(parent.pid).children()), None))
        wait_for(lambda: (tmp_path / "database.db").exists())  # it is at work
        assert child.is_running()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    finally:
        parent.kill()
        parent.wait()


def wait_for(found, seconds=60):
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def test_the_child_imports_no_library_that_pycolmap_breaks():
    modules = [f"{child.__name__}.{module.name}" for module in pkgutil.iter_modules(child.__path__)]
    assert f"{child.__name__}.__main__" in modules
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pycolmap" in done.stdout.split()
    assert not {"torch", "cv2", "PIL"} & set(done.stdout.split())
