"""COLMAP's work on the pictures of some photos: it reports, fails with a sentence, and can be cancelled."""

import time

import numpy as np
import psutil
import pytest

from vistadream.backends.poses.lenses import lenses_of, plain
from vistadream.backends.poses.workspace import Workspace
from vistadream.core import Cancelled, Progress, UserError, use_observer, use_work_folder


def match(work, **changes):
    lenses, lens_of = lenses_of(work.views)
    request = {"cameras": plain(lenses), "camera_of": lens_of, "pairs": [[0, 1]], "features": 500}
    return work.run("match", **request | changes)


def children():
    return [p for p in psutil.Process().children(recursive=True) if "vistadream.colmap.child" in command_of(p)]


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


def test_what_a_task_has_finished_in_the_folder_of_a_stage_is_used_again(world, tmp_path):
    seen = []

    def look(name, value, step=None):
        seen.append(name)

    def matched(views, **changes):
        seen.clear()
        with use_observer(look), use_work_folder(tmp_path / "work"), Workspace.of(views, 0) as work:
            return match(work, **changes)

    first = matched(world.views[:2])
    assert seen, "the child has worked"
    again = matched(world.views[:2])
    assert not seen
    assert all(np.array_equal(array, again[name]) for name, array in first.items())
    assert sorted(path.name for path in (tmp_path / "work" / "sfm").iterdir()) == ["database.db", "done"]
    for views, changes in ((world.views[1:3], {}), (world.views[:2], {"features": 400})):
        matched(views, **changes)
        assert seen, "other pictures and other knobs have other results"
        assert len(list((tmp_path / "work" / "sfm" / "done").iterdir())) == 1, "those of another database are gone"


def test_a_task_that_failed_has_no_result(world, tmp_path):
    with use_work_folder(tmp_path):
        for _ in range(2):
            with Workspace.of(world.views[:2], 0) as work, pytest.raises(UserError, match="COLMAP failed"):
                match(work, camera_of=[0, 7])
    assert not (tmp_path / "sfm" / "done").exists()
