"""What the terminal shows."""

import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from vistadream.core import Note, Progress, StageFinished, StageStarted, Summary
from vistadream.observers.console import ConsoleObserver
from vistadream.observers.log_lines import log_lines
from vistadream.observers.multiplexer import Multiplexer


@pytest.fixture(autouse=True)
def level(caplog):
    caplog.set_level(logging.INFO, "vistadream")


def play(observe):
    observe("coarse/started", StageStarted("coarse"))
    for step in range(20):
        observe("coarse/00/loss", 0.5 / (1 + step), step=step)
        observe("coarse/00/progress", Progress(step + 1, 20))
    observe("coarse/frame", Note("pose 7 of 60"))
    observe("coarse/summary", Summary("one frame", {"n": 1}))
    observe("coarse/finished", StageFinished("coarse", 12.34, gaussians=12345))
    observe("refine/finished", StageFinished("refine", 5.0, resumed=True))


def shown(terminal, act=play):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None)
    with ConsoleObserver(console) as bars:
        act(Multiplexer(log_lines, bars))
    return console.file.getvalue()


LINES = [
    "coarse",
    "  pose 7 of 60",
    "  one frame",
    "coarse: done in 12.3 s, 12,345 Gaussians",
    "refine: taken from disk",
]


def test_without_a_terminal_there_are_lines_and_no_bars():
    assert shown(terminal=False).splitlines() == LINES


def test_log_file_gets_the_same_lines(caplog):
    shown(terminal=False)
    assert [record.getMessage() for record in caplog.records] == LINES


def test_a_terminal_gets_a_bar_with_the_loss_and_the_time_left():
    def halfway(observe):
        observe("coarse/00/loss", 0.25, step=9)
        observe("coarse/00/progress", Progress(10, 20))

    text = shown(terminal=True, act=halfway)
    assert "coarse/00  loss 0.2500" in text
    assert "10/20" in text
    assert "left" in text


def test_a_bar_that_is_full_goes_away():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with ConsoleObserver(console) as bars:
        observe = Multiplexer(log_lines, bars)
        observe("a/progress", Progress(1, 2))
        observe("a/progress", Progress(2, 2))
        before = console.file.tell()
        observe("a/note", Note("only this line"))
        console.file.seek(before)
        assert console.file.read().strip() == "only this line"


def bars_after(*events):
    """The names of the bars that are there after these events."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with ConsoleObserver(console) as bars:
        for name, value in events:
            bars(name, value)
        return [task.description for task in bars._bars.tasks]


def test_work_shows_the_bar_of_the_part_at_work():
    start, features = ("register", Progress(0, 1)), ("register/features/progress", Progress(3, 12))
    assert bars_after(start) == ["register"]
    assert bars_after(start, features) == ["register/features"]
    assert bars_after(("multi_depth/progress", Progress(1, 12)), features) == ["multi_depth", "register/features"]


def test_a_stage_that_ends_leaves_no_bar():
    mapping = ("register/mapping/progress", Progress(2, 4))
    assert bars_after(mapping, ("register/finished", StageFinished("register", 1.0))) == []


def test_other_log_lines_are_printed_while_it_is_open_and_long_ones_stay_whole():
    line = "ssh " + "x" * 300

    def say(observe):
        logging.getLogger("vistadream.rerun").warning("%s", line)

    assert shown(terminal=False, act=say) == line + "\n"
    assert shown(terminal=False, act=lambda observe: None) == ""


def test_text_is_never_taken_for_markup():
    assert (
        shown(terminal=False, act=lambda observe: observe("a", Note("[red]a[/red] :smile:")))
        == "  [red]a[/red] :smile:\n"
    )


CROWD = """
import logging, sys
from vistadream.core import Note
from vistadream.observers.console import ConsoleObserver, Terminal
from vistadream.observers.log_lines import log_lines
logging.getLogger("vistadream").setLevel(logging.INFO)
with ConsoleObserver(Terminal()):
    for i in range(1000):
        log_lines("a", Note("word " * 100))
sys.stderr.write("came to its end")
"""


def test_a_run_goes_on_when_nobody_reads_its_lines_any_more():
    """As in `vistadream single-img | head -1`, and with a full disk behind `> file`."""
    run = subprocess.Popen([sys.executable, "-c", CROWD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdout.readline()
    run.stdout.close()
    assert (run.stderr.read(), run.wait()) == ("came to its end", 0)
    run.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, which stands in for a full disk")
def test_a_run_goes_on_when_its_lines_find_no_room():
    with open("/dev/full", "w") as full:
        run = subprocess.run([sys.executable, "-c", CROWD], stdout=full, stderr=subprocess.PIPE, text=True)
    assert "Logging error" not in run.stderr
    assert "came to its end" in run.stderr
