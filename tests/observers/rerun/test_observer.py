"""A run as the observer records it."""

import logging
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import rerun as rr
import torch

from vistadream.config import compose
from vistadream.core import Note, PlacedPhoto, Progress, RunEnded, RunStarted, StageFinished, StageStarted, Summary
from vistadream.observers.rerun import RerunSettings
from vistadream.observers.rerun.observer import RerunObserver


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.rrd"


def settings(**knobs):
    return replace(compose([]).make("rerun", RerunSettings), **knobs)


def observer(file, **knobs):
    return RerunObserver(settings(**{"mode": "save"} | knobs), file, name="kitchen", stages=("coarse",))


def test_numbered_pictures_are_a_film_and_numbered_cameras_stand_side_by_side(file, view, read):
    with observer(file) as observe:
        for k in range(3):
            observe(f"coarse/{k:02d}/hole", view.generated)
            observe(f"coarse/{k:02d}/view", view)
            for step in range(2):
                observe(f"coarse/{k:02d}/loss", 0.5, step=step)
    found = read(file)
    assert len(found["/coarse/hole"]["Image:buffer"]) == 3
    assert {"/coarse/00/view", "/coarse/01/view", "/coarse/02/view"} <= set(found)
    assert found.values("/coarse/loss", "step").tolist() == [2, 3, 4, 5, 6, 7], "one curve that goes on"


def test_everything_of_each_of_several_photos_is_recorded_by_its_name(file, view, read):
    with observer(file) as observe:
        for name in ("012", "a"):
            observe(f"load/photo/{name}", view)
            observe(f"register/cameras/{name}", PlacedPhoto(view.camera, view.rgb, 0.25))
    found = read(file)
    for name in ("012", "a"):
        assert any(key.startswith("EncodedImage") for key in found[f"/load/photo/{name}/rgb"])
        placed = found[f"/register/cameras/{name}"]
        assert any(key.startswith("EncodedImage") for key in placed)
        assert placed["Pinhole:image_plane_distance"] == [[0.25]]


def test_curve_keeps_every_step_and_pictures_their_cadence(file, read):
    with observer(file, image_every=4) as observe:
        for step in range(9):
            observe("refine/loss", 1 / (1 + step), step=step)
            observe("refine/render", lambda: torch.zeros(4, 4, 3), step=step)
    assert read(file).values("/refine/loss", "step").tolist() == list(range(1, 10))
    assert np.allclose(read(file).values("/refine/loss", "Scalars:scalars")[:, 0], 1 / (1 + np.arange(9)))
    assert read(file).values("/refine/render", "step").tolist() == [1, 5, 9]


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
    lines = ["coarse started", "pose 7 of 60", "three frames", "coarse finished in 1.2 s", "mind the gap", "deprecated"]
    assert texts == {"/coarse/log": [[line] for line in lines]}
    levels = [level for (level,) in read(file)["/coarse/log"]["TextLog:level"]]
    assert levels == ["INFO", "WARN", "INFO", "INFO", "WARN", "WARN"]


def test_the_run_says_where_it_is_and_how_it_ended(file, read):
    with observer(file) as observe:
        observe("run/started", RunStarted("outputs/kitchen"))
        observe("run/ended", RunEnded("finished"))
        observe("run/ended", RunEnded("failed", "the disk is full"))
    log = read(file)["/run/log"]
    assert log["TextLog:text"] == [
        ["run started in outputs/kitchen"],
        ["run finished"],
        ["run failed: the disk is full"],
    ]
    assert log["TextLog:level"] == [["INFO"], ["INFO"], ["ERROR"]]


def test_configuration_and_name_are_properties_of_the_recording(file, read):
    with observer(file) as observe:
        observe.log_config("seed: 3", {"seed": 3, "rerun.wait": False, "image": None})
    found = read(file)
    assert found["/__properties/config"]["TextDocument:text"] == [["seed: 3"]]
    knobs = found["/__properties/knobs"]
    assert (knobs["seed"], knobs["rerun.wait"], knobs["image"]) == ([[3]], [[False]], [["None"]])
    assert ["kitchen"] in found["/__properties"]["RecordingInfo:name"]


def sent(monkeypatch):
    """(tab that is opened, whether at once) of every layout that is sent."""
    layouts = []

    def send(self, blueprint, make_active=True, **_):
        tabs = blueprint.root_container
        layouts.append((tabs.contents[tabs.active_tab].name, make_active))

    monkeypatch.setattr(rr.RecordingStream, "send_blueprint", send)
    return layouts


def play(observe, view, gaussians):
    for stage in ("load", "coarse"):
        observe(f"{stage}/started", StageStarted(stage))
        observe(f"{stage}/view", view)
        for step in range(3):
            observe(f"{stage}/loss", 0.5, step=step)
        observe(f"{stage}/finished", StageFinished(stage, 1.0))
        observe(f"{stage}/gaussians", gaussians)
    observe("export/done", Note("done"))


@pytest.mark.parametrize("follow", [True, False])
def test_the_layout_is_sent_once_a_stage_so_that_the_eye_rests(follow, file, view, gaussians, monkeypatch):
    layouts = sent(monkeypatch)
    with RerunObserver(settings(mode="save", follow=follow), file, name="n", stages=("load", "coarse")) as observe:
        play(observe, view, gaussians)
    assert layouts == [("load", True), ("coarse", follow), ("overview", True)]


def test_a_run_that_stops_half_way_leaves_a_layout_of_what_there_is(file, view, monkeypatch):
    layouts = sent(monkeypatch)
    observe = observer(file)
    observe("coarse/started", StageStarted("coarse"))
    observe("coarse/view", view)
    with pytest.raises(KeyboardInterrupt), observe:
        raise KeyboardInterrupt
    assert layouts == [("coarse", True), ("overview", True)]


def test_file_is_complete_after_close_and_after_an_error(file, read):
    observe = observer(file, wait=True)
    observe("coarse/loss", 1.0)
    with pytest.raises(ZeroDivisionError), observe:
        raise ZeroDivisionError
    assert read(file).complete()
    observe("coarse/loss", 2.0)
    observe.close()
    assert read(file).values("/coarse/loss", "Scalars:scalars").tolist() == [[1.0]]


def test_a_file_that_cannot_be_written_is_said_and_the_run_goes_on(tmp_path, caplog):
    with observer(tmp_path / "missing" / "run.rrd") as observe:
        observe("coarse/loss", 1.0)
    assert "not recording" in caplog.text


def test_server_waits_as_long_as_asked(file, read):
    began = time.monotonic()
    with observer(file, mode="serve", wait_seconds=0.3):
        pass
    assert 0.3 <= time.monotonic() - began < 20, "a busy machine takes seconds for what is not the wait"


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
        ("layout", "square"),
        ("max_image_px", 8),
    ],
)
def test_settings_name_what_is_wrong(field, value):
    with pytest.raises(ValueError, match=rf"RerunSettings.{field}: got {value!r}; wanted"):
        settings(**{field: value})


def test_an_address_to_connect_to_is_not_passed_over_quietly():
    with pytest.raises(ValueError, match=r"RerunSettings.connect: got .* wanted null, or mode=connect"):
        settings(mode="serve", connect="rerun+http://127.0.0.1:9876/proxy")
