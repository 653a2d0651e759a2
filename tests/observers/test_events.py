"""events.jsonl: one line of valid JSON for each observation, readable at once, continued, with pictures by path."""

import json
import math
from pathlib import Path

import pytest
import torch

from vistadream.core import Chart, Gaussians, Note, Progress, RunEnded, StageFinished, StageStarted, Summary
from vistadream.observers import events
from vistadream.observers.events import EventLog
from vistadream.observers.multiplexer import Multiplexer

PICTURE = torch.zeros(6, 8, 3)


def lines(path: Path) -> list[dict]:
    return [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("value", "kind", "content"),
    [
        (0.5, "number", 0.5),
        (math.nan, "number", None),
        (-math.inf, "number", None),
        (3, "number", 3),
        (lambda: 2.0, "number", 2.0),
        (StageStarted("load"), "stage_started", {"stage": "load"}),
        (Progress(1, 3), "progress", {"done": 1, "total": 3}),
        (Note("a\nb", "warning"), "note", {"text": "a\nb", "level": "warning"}),
        (Summary("s", {"x": [math.nan, 1.0]}), "summary", {"text": "s", "data": {"x": [None, 1.0]}}),
        (RunEnded("failed", "why"), "run_ended", {"status": "failed", "error": "why"}),
        (Gaussians.empty(), "gaussians", {"gaussians": 0}),
    ],
)
def test_each_observation_is_one_line(value, kind: str, content, tmp_path: Path) -> None:
    with EventLog(tmp_path / "e", 5.0) as observe:
        observe("a/b", value, 7)
        (line,) = lines(tmp_path / "e")
    assert (line["name"], line["step"], line["kind"], line["value"]) == ("a/b", 7, kind, content)
    assert line["time"] > 1.7e9


def test_every_message_can_be_json() -> None:
    for message in (StageFinished("load", 1.0), Chart("c", (0.0,), (1.0,), (0.0, 1.0), 0)):
        data = message.to_json()
        assert json.loads(json.dumps(data))["kind"] in ("stage_finished", "chart")


def test_a_file_is_continued_also_after_half_a_line(tmp_path: Path) -> None:
    file = tmp_path / "e"
    with EventLog(file, 5.0) as observe:
        observe("a", 1.0)
    with file.open("a") as stream:
        stream.write('{"name": "b')
    with EventLog(file, 5.0) as observe:
        observe("c", 2.0)
    assert [line["name"] for line in lines(file)] == ["a", "c"]


def test_lines_are_numbered_on_by_a_resumed_run(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with EventLog(tmp_path / "e", 5.0, 0.2) as observe:
            for n in range(5):
                observe("a", n)
            observe("run", Note(text))
    assert [line["seq"] for line in lines(tmp_path / "e")] == list(range(1, 7))


def test_fast_series_leave_few_lines_and_always_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(events.time, "monotonic", lambda: now_s[0])
    with EventLog(tmp_path / "e", 5.0, 0.2) as observe:
        for n in range(100):  # one second
            observe("fit/loss", float(n))
            observe("fit", Progress(n, 100))
            now_s[0] += 0.01
        observe("fit", StageFinished("fit", 1.0))
        observe("late", 1.0)
        observe("late", 2.0)
    found = lines(tmp_path / "e")
    losses = [line["value"] for line in found if line["name"] == "fit/loss"]
    assert losses == [0, 20, 40, 60, 80, 99]
    assert [line["kind"] for line in found[-5:]] == ["number", "progress", "stage_finished", "number", "number"]
    assert found[-1]["value"] == 2.0


def test_pictures_of_a_role_are_written_at_a_bounded_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, made = [100.0], []
    monkeypatch.setattr(events.time, "monotonic", lambda: now_s[0])

    def costly() -> torch.Tensor:
        made.append(now_s[0])
        return PICTURE

    with EventLog(tmp_path / "e", 5.0) as observe:
        for number in range(6):
            observe(f"coarse/{number:02d}/render", costly)
            now_s[0] += 2.5
    shown = [line["value"].get("pictures") for line in lines(tmp_path / "e")]
    assert made == [100.0, 105.0, 110.0], "a costly value is made only to be written"
    assert shown == [{"picture": "live/coarse.render.jpg"}, None] * 3
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["coarse.render.jpg"]


def test_of_several_photos_the_newest_picture_is_kept(tmp_path: Path) -> None:
    with EventLog(tmp_path / "e", 0.0) as observe:
        for name in ("012", "a"):
            observe(f"load/photo/{name}", PICTURE)
    assert [path.name for path in (tmp_path / "live").iterdir()] == ["load.photo.jpg"]


def test_a_full_disk_costs_a_warning_and_not_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "live").write_text("a file in the place of the folder")
    with EventLog(tmp_path / "e", 5.0) as observe:
        Multiplexer(observe)("load/input", PICTURE)
    assert "EventLog cannot show load/input" in caplog.text
