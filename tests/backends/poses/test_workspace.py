"""The process in which COLMAP works: it reports, it fails with a sentence, and it never outlives its parent."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from vistadream.backends.poses import workspace
from vistadream.backends.poses.groups import lenses_of
from vistadream.backends.poses.matching import plain
from vistadream.backends.poses.workspace import Workspace
from vistadream.core import Cancelled, Progress, UserError, use_observer


def match(work, **changes):
    lenses, lens_of = lenses_of(work.views)
    request = {"cameras": plain(lenses), "camera_of": lens_of, "pairs": [[0, 1]], "features": 500}
    return work.run("match", **request | changes)


def children():
    return [p for p in psutil.Process().children(recursive=True) if "sfm_child" in command_of(p)]


def command_of(process):
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it has ended, perhaps as the zombie of another test
        return ""


def test_progress_is_observed_and_the_folder_is_removed(world):
    seen = []
    with use_observer(lambda name, value, step=None: seen.append((name, value))), Workspace.of(world.views[:2], 0) as w:
        arrays = match(w)
    assert len(arrays["px1"]) == len(arrays["px2"]) == arrays["counts"].sum() > 50
    assert ("register/features/progress", Progress(2, 2)) in seen
    assert ("register/matching/progress", Progress(1, 1)) in seen
    assert not w.folder.exists()


def test_a_failure_quotes_the_child(world):
    with (
        Workspace.of(world.views[:2], 0) as work,
        pytest.raises(UserError, match=r"COLMAP failed to match the photos \(exit code 1\): ValueError: .*camera_id"),
    ):
        match(work, camera_of=[0, 7])  # the eighth of one camera
    assert not children()


def test_a_cancelled_run_ends_the_child_at_once(world):
    def cancel(name, value, step=None):
        if children():
            raise Cancelled("now")

    began_s = time.monotonic()
    with use_observer(cancel), Workspace.of(world.views, 0) as work, pytest.raises(Cancelled):
        match(work, camera_of=[0] * 6)
    assert time.monotonic() - began_s < 10
    assert not children()
    assert not work.folder.exists()


def test_a_killed_parent_leaves_no_child(tmp_path):
    """The child is kept busy by a picture that never comes to an end: a pipe without a writer."""
    program = f"""
    import os, sys, torch
    from pathlib import Path
    from vistadream.backends.poses.workspace import Workspace
    folder = Path({str(tmp_path)!r})
    (folder / "pictures").mkdir()
    os.mkfifo(folder / "pictures" / "00000.png")
    camera = dict(width=32, height=32, fx=30.0, fy=30.0, cx=16.0, cy=16.0, known=False)
    Workspace(folder, [], 0).run("match", cameras=[camera], camera_of=[0], pairs=[], features=10)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
    try:
        child = wait_for(lambda: next(iter(psutil.Process(parent.pid).children()), None))
        wait_for(lambda: (tmp_path / "matches.db").exists())  # it is at work
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
    code = f"import sys, {workspace._CHILD}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pycolmap" in done.stdout.split()
    assert not {"torch", "cv2", "PIL"} & set(done.stdout.split())
