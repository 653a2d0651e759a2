"""The settings and limits of the viewer, which are made without torch."""

import subprocess
import sys

import pytest

from vistadream.exporters.viewer_settings import MOVED, TURNED_DEG, viewer_limits
from vistadream.ops.evaluation.reach import ANGLES_DEG, DISTANCES

WAYS = ("right", "left", "up", "down", "forward", "backward")


def test_the_limits_are_the_reach_and_let_the_camera_move_at_least_a_little():
    moved = dict.fromkeys(WAYS, 0.5) | {"right": 0.0, "up": 0.25}
    limits = viewer_limits(moved, {"right": 0.0, "left": 10.0, "up": 45.0, "down": 5.0}, 4.0).to_json()
    assert limits["low"] == pytest.approx([-0.2, -2, -2])
    assert limits["high"] == pytest.approx([2, 1, 2])
    assert limits["target"] == [0, 0, 4]
    assert (limits["yawDeg"], limits["pitchDeg"]) == ([-2, 10], [-5, 45])


def test_the_least_and_the_most_are_those_that_are_measured():
    assert ((DISTANCES[0], DISTANCES[-1]), (ANGLES_DEG[0], ANGLES_DEG[-1])) == (MOVED, TURNED_DEG)


def test_no_torch_is_imported():
    program = "import sys, vistadream.exporters.viewer_settings; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
