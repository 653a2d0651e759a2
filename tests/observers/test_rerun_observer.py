"""A run as the observer records it."""

import logging
import signal
import time

import numpy as np
import pytest
import torch

from vistadream.core import Note, Progress, StageFinished, StageStarted, Summary
from vistadream.observers.rerun import RerunObserver, RerunSettings


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.rrd"


def observer(file, **knobs):
    return RerunObserver(RerunSettings(**{"mode": "save"} | knobs), file, name="kitchen", stages=("coarse",))


def test_numbered_pictures_are_a_film_and_numbered_cameras_stand_side_by_side(file, view, read):
    with observer(file) as observe:
        for k in range(3):
            observe(f"coarse/{k:02d}/hole", view.generated)
            observe(f"coarse/{k:02d}/view", view)
            observe(f"coarse/{k:02d}/loss", 0.5, step=k)
    found = read(file)
    assert len(found["/coarse/hole"]["Image:buffer"]) == 3
    assert {"/coarse/00/view", "/coarse/01/view", "/coarse/02/view"} <= set(found)
    assert {"/coarse/00/loss", "/coarse/01/loss", "/coarse/02/loss"} <= set(found)


def test_curve_keeps_every_step_and_pictures_their_cadence(file, read):
    with observer(file, image_every=4) as observe:
        for step in range(9):
            observe("refine/loss", 1 / (1 + step), step=step)
            observe("refine/render", lambda: torch.zeros(4, 4, 3), step=step)
    assert read(file).values("/refine/loss", "step").tolist() == list(range(9))
    assert np.allclose(read(file).values("/refine/loss", "Scalars:scalars")[:, 0], 1 / (1 + np.arange(9)))
    assert read(file).values("/refine/render", "step").tolist() == [0, 4, 8]


def test_a_picture_that_is_not_due_is_never_made(file, read):
    with observer(file, image_every=4) as observe:
        observe("refine/render", lambda: pytest.fail("made in vain"), step=3)


def test_messages_log_lines_and_warnings_become_text(file, read):
    logger, quiet = logging.getLogger("vistadream.somewhere"), logging.getLogger("vistadream.console")
    with observer(file) as observe:
        observe("coarse/started", StageStarted("coarse"))
        observe("coarse/frame", Note("pose 7 of 60", "warning"))
        observe("coarse/progress", Progress(1, 2))
        observe("coarse/summary", Summary("three frames", {"n": 3}))
        observe("coarse/finished", StageFinished("coarse", 1.25))
        logger.warning("mind the %s", "gap")
        quiet.warning("pose 7 of 60")
        logging.getLogger("py.warnings").warning("deprecated")
    logger.warning("too late")
    texts = {path: entity["TextLog:text"] for path, entity in read(file).items() if "TextLog:text" in entity}
    assert texts == {
        "/coarse/started": [["coarse started"]],
        "/coarse/frame": [["pose 7 of 60"]],
        "/coarse/summary": [["three frames"]],
        "/coarse/finished": [["coarse finished in 1.2 s"]],
        "/log/vistadream/somewhere": [["mind the gap"]],
        "/log/py/warnings": [["deprecated"]],
    }


def test_config_and_name_are_properties_of_the_recording(file, read):
    with observer(file) as observe:
        observe.log_config("seed: 3")
    assert read(file)["/__properties/config"]["TextDocument:text"] == [["seed: 3"]]
    assert ["kitchen"] in read(file)["/__properties"]["RecordingInfo:name"]


def test_file_is_complete_after_close_and_after_an_error(file, read):
    observe = observer(file, wait=True)
    observe("coarse/loss", 1.0)
    with pytest.raises(ZeroDivisionError), observe:
        raise ZeroDivisionError
    assert read(file).complete()
    observe("coarse/loss", 2.0)
    observe.close()
    assert read(file).values("/coarse/loss", "Scalars:scalars").tolist() == [[1.0]]


def test_off_records_nothing(file, read):
    with observer(file, mode="off") as observe:
        observe("coarse/loss", lambda: pytest.fail("made in vain"))
        observe.log_config("seed: 3")
    assert not file.exists()


def test_a_file_that_cannot_be_written_is_said_and_the_run_goes_on(tmp_path, caplog):
    with observer(tmp_path / "missing" / "run.rrd") as observe:
        observe("coarse/loss", 1.0)
    assert "not recording" in caplog.text


def test_server_waits_as_long_as_asked(file, read):
    began = time.monotonic()
    with observer(file, mode="serve", wait_seconds=0.3):
        pass
    assert 0.3 <= time.monotonic() - began < 2.3


def test_ctrl_c_ends_the_wait_and_the_recording(file, read):
    earlier = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with observer(file, mode="serve", wait=True) as observe:
            observe("coarse/loss", 1.0)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert read(file).complete()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "shout"),
        ("port", 0),
        ("port", 70000),
        ("memory_limit", "much"),
        ("wait_seconds", -1.0),
        ("max_splats", 0),
        ("image_every", 0),
        ("jpeg_quality", 101),
    ],
)
def test_settings_name_what_is_wrong(field, value):
    with pytest.raises(ValueError, match=rf"RerunSettings.{field}: got {value!r}; wanted"):
        RerunSettings(**{field: value})
