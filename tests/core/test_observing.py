"""The run's observer, heard from anywhere below it; and core's names, which cost torch only where they need it."""

import subprocess
import sys

import pytest

import vistadream.core
from vistadream.core import Note, tell, use_observer


def test_tell_reaches_the_innermost_observer_and_nobody_outside():
    outer, inner = [], []
    tell("a", Note("to nobody"))
    with use_observer(lambda *event: outer.append(event)):
        with use_observer(lambda *event: inner.append(event)):
            tell("b", 1.0, 3)
        tell("c", 2.0)
    tell("d", Note("to nobody"))
    assert inner == [("b", 1.0, 3)]
    assert outer == [("c", 2.0, None)]


def test_an_observer_is_forgotten_when_the_block_fails():
    heard = []
    with pytest.raises(ZeroDivisionError), use_observer(lambda *event: heard.append(event)):
        _ = 1 / 0
    tell("late", 1.0)
    assert heard == []


def test_every_name_of_core_is_there_and_a_wrong_one_is_not():
    assert all(getattr(vistadream.core, name).__name__ == name for name in vistadream.core.__all__)
    with pytest.raises(AttributeError, match="Camra"):
        _ = vistadream.core.Camra


def test_errors_messages_and_tell_come_without_torch():
    code = "import sys; from vistadream.core import Note, UserError, tell; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
