"""The observer that shows a run in Rerun, live and afterwards."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rerun as rr

from vistadream.core import Chart, Gaussians, Note, Scene, StageFinished, StageStarted, Summary
from vistadream.observers.logtap import LogTap
from vistadream.observers.rerun.archetypes import Mark, marks
from vistadream.observers.rerun.blueprint import CONFIG, layout
from vistadream.observers.rerun.settings import RerunSettings
from vistadream.observers.rerun.sinks import log, open_sinks

_LAYOUT_EVERY_S = 1.0
_FLUSH_S = 1.0
_CLOSE_S = 1.5
_ABREAST = ("camera", "plane", "curve", "text")
_LIGHT = (int, float, Chart, Note, Summary, StageStarted, StageFinished)


class RerunObserver:
    """Logs every event below its own name. A context manager; else `close()` it.

    Pictures, splats and charts of `coarse/03/hole` go to `coarse/hole`: one place that changes over time, which a
    layout can name. Cameras, curves and texts keep their number and stand side by side. Two timelines: `log_time`,
    and `step`, the last step that the stage gave.

    A value that cannot be drawn raises (Fan keeps that from the run); trouble with viewers, ports and disks is logged.
    """

    def __init__(
        self,
        settings: RerunSettings,
        file: Path | None,
        *,
        name: str,
        stages: Sequence[str],
        application_id: str = "vistadream",
    ):
        """Records to `file` and to where `settings` say, under `name`, with one tab for each of `stages`."""
        self.serving = False
        self._settings, self._stages = settings, tuple(stages)
        self._active: str | None = None
        self._seen: dict[str, str] = {}
        self._focus_z = 1.0
        self._layout_due = True
        self._layout_sent_s = float("-inf")
        self._recording = None if settings.mode == "off" else self._open(file, name, application_id)
        self._tap = LogTap(self._say)

    def _open(self, file: Path | None, name: str, application_id: str) -> rr.RecordingStream | None:
        recording = rr.RecordingStream(application_id)
        sinks = open_sinks(recording, self._settings, file)
        if not sinks:
            return None
        self.serving = any(isinstance(sink, rr.GrpcServerSink) for sink in sinks)
        recording.send_recording_name(name)
        recording.log("/", rr.ViewCoordinates.RDF, static=True)
        recording.set_time("step", sequence=0)
        return recording

    def __call__(self, name: str, value: Any, step: int | None = None) -> None:
        if self._recording is None or self._too_often(value, step):
            return
        value = value() if callable(value) else value
        if isinstance(value, StageStarted):
            self._active, self._layout_due, step = value.stage, True, 0
        splats = value.gaussians if isinstance(value, Scene) else value
        if isinstance(splats, Gaussians) and len(splats):
            self._focus_z = float(splats.means[:, 2].median())
        if step is not None:
            self._recording.set_time("step", sequence=step)
        for mark in marks(value, self._settings):
            self._draw(name, mark)
        self._lay_out(at_once=isinstance(value, StageStarted | StageFinished))

    def log_config(self, text: str) -> None:
        """Keeps the run's configuration (YAML) with the recording, and shows it in a tab of its own."""
        if self._recording is not None:
            self._recording.send_property(CONFIG, rr.TextDocument(text))
            self._seen[CONFIG] = "config"
            self._layout_due = True

    def hold(self) -> None:
        """Keeps serving as `wait` and `wait_seconds` ask; Ctrl-C ends it."""
        settings = self._settings
        if not self.serving or not (settings.wait or settings.wait_seconds):
            return
        log.info("still serving%s; Ctrl-C ends it", "" if settings.wait else f" for {settings.wait_seconds:g} s")
        try:
            threading.Event().wait(None if settings.wait else settings.wait_seconds)
        except KeyboardInterrupt:
            log.info("no longer serving")

    def close(self) -> None:
        """Ends the recording, so that its file is complete; takes no longer than 2 s whatever became of its sinks."""
        self._tap.detach()
        if self._recording is None:
            return
        self._lay_out(at_once=True)
        recording, self._recording = self._recording, None
        ending = threading.Thread(target=self._end, args=[recording], daemon=True)
        ending.start()
        ending.join(_CLOSE_S)
        if ending.is_alive():
            # After a full disk, Rerun can wait for its writer for ever, here and again at exit.
            rr.unregister_shutdown()
            log.warning("gave up ending the recording after %g s", _CLOSE_S)

    def __enter__(self) -> RerunObserver:
        return self

    def __exit__(self, error_type: type[BaseException] | None, *_: object) -> None:
        try:
            if error_type is None:
                self.hold()
        finally:
            self.close()

    def _say(self, record: logging.LogRecord) -> None:
        if self._recording is not None and record.name != "vistadream.console":  # its lines are observed already
            level = rr.TextLogLevel.WARN if record.levelno == logging.WARNING else record.levelname
            self._recording.log(f"log/{record.name.replace('.', '/')}", rr.TextLog(record.getMessage(), level=level))

    def _too_often(self, value: Any, step: int | None) -> bool:
        return step is not None and step % self._settings.image_every > 0 and not isinstance(value, _LIGHT)

    def _draw(self, name: str, mark: Mark) -> None:
        path = f"{name}/{mark.below}".rstrip("/")
        role = "/".join(word for word in path.split("/") if not word.isdigit())
        # A picture's camera must be there at all times, else a viewer that looks back calls it an error.
        static = mark.kind == "camera"
        self._recording.log(path if mark.kind in _ABREAST else role, *mark.archetypes, static=static)
        self._layout_due |= role not in self._seen
        self._seen[role] = self._seen.pop(role, mark.kind)  # newest last

    def _lay_out(self, at_once: bool) -> None:
        """Sends the layout when a new kind of thing appeared: seldom, since it puts the viewer's eye back."""
        now = time.monotonic()
        if self._layout_due and (at_once or now - self._layout_sent_s > _LAYOUT_EVERY_S):
            self._recording.send_blueprint(layout(self._seen, self._stages, self._active, self._focus_z))
            self._layout_due, self._layout_sent_s = False, now

    @staticmethod
    def _end(recording: rr.RecordingStream) -> None:
        try:
            recording.flush(timeout_sec=_FLUSH_S)
        except RuntimeError as error:
            log.warning("the recording may lack its last part: %s", error)
        recording.disconnect()
