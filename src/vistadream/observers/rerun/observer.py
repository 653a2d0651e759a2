"""The observer that shows a run in Rerun, live and from a recording."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rerun as rr

from vistadream.core import (
    Chart,
    Gaussians,
    Note,
    Scene,
    SparsePoints,
    StageFinished,
    StageStarted,
    Summary,
    View,
    role_of,
)
from vistadream.observers.logtap import LogTap
from vistadream.observers.rerun.archetypes import Mark, marks
from vistadream.observers.rerun.blueprint import CONFIG, Layout
from vistadream.observers.rerun.settings import RerunSettings
from vistadream.observers.rerun.sinks import log, open_sinks
from vistadream.observers.rerun.steps import Steps

_FLUSH_S = 1.0
_CLOSE_S = 1.5
_ABREAST = ("camera", "plane")
_LIGHT = (int, float, Chart, Note, Summary, StageStarted, StageFinished)


class RerunObserver:
    """Logs every event below its name. Use it as a context manager, or call `close`.

    Pictures, splats, curves and charts of `coarse/03/hole` go to `coarse/hole`: one entity that changes over time, so
    that a layout can name it. Cameras keep their number, so that all are visible together; what is shown of one of
    several photos keeps the photo's name. Texts and log lines go to
    the `log` of the running stage. There are two timelines: `log_time`, and `step`, which continues through all fits
    of a run.

    The layout is sent only when a stage starts and when the last one has shown its splats, because every new layout
    resets the viewer's camera.

    A value that cannot be shown raises, which the Multiplexer turns into a warning. Problems with viewers, ports and
    disks are logged.
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
        """Records to `file` and to the viewer of `settings`, under `name`, with one tab for each of `stages`."""
        self.serving = False
        self._settings, self._stages, self._steps = settings, tuple(stages), Steps()
        self._seen: dict[str, str] = {}
        self._focus_z, self._upright_photo = 1.0, False
        self._laid_out, self._layout_is_stale = False, False
        self._noted_thinning = False
        self._ended: str | None = None
        self._recording = self._open(file, name, application_id)
        self._tap = LogTap(self._log_record)

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
        if self._recording is None or self._is_skipped(value, step):
            return
        value = value() if callable(value) else value
        self._recording.set_time("step", sequence=self._steps.take(name, step))
        self._update_layout_facts(value)
        for mark in marks(value, self._settings):
            self._draw(name, mark)
        if isinstance(value, StageStarted):
            self._lay_out(value.stage)
        elif isinstance(value, StageFinished):
            self._ended = value.stage
        elif name == f"{self._ended}/gaussians" and self._ended == self._stages[-1]:
            self._lay_out(None)

    def log_config(self, text: str, knobs: Mapping[str, Any]) -> None:
        """Adds the configuration to the recording: as text (YAML) in a tab, and as one property for each knob."""
        if self._recording is not None:
            values: dict[str, Any] = {k: v if isinstance(v, str | int | float) else str(v) for k, v in knobs.items()}
            self._recording.send_property(CONFIG, rr.TextDocument(text))
            self._recording.send_property("knobs", rr.AnyValues(**values))
            self._note_kind(CONFIG, "config")

    def hold(self) -> None:
        """Keeps serving as long as `wait` or `wait_seconds` say; Ctrl-C ends it."""
        settings = self._settings
        self._lay_out_if_stale()
        if not self.serving or not (settings.wait or settings.wait_seconds):
            return
        log.info("still serving%s; Ctrl-C ends it", "" if settings.wait else f" for {settings.wait_seconds:g} s")
        try:
            threading.Event().wait(None if settings.wait else settings.wait_seconds)
        except KeyboardInterrupt:
            log.info("no longer serving")

    def close(self) -> None:
        """Ends the recording, so that its file is complete; takes at most 2 s, whatever the state of its sinks."""
        self._tap.detach()
        if self._recording is None:
            return
        self._lay_out_if_stale()
        recording, self._recording = self._recording, None
        ending = threading.Thread(target=self._end, args=[recording], daemon=True)
        ending.start()
        ending.join(_CLOSE_S)
        if ending.is_alive():
            # When the disk is full, Rerun can wait forever for its writer, here and again at exit.
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

    def _log_record(self, record: logging.LogRecord) -> None:
        if self._recording is not None and record.name != "vistadream.console":  # those lines arrive as events too
            level = rr.TextLogLevel.WARN if record.levelno == logging.WARNING else record.levelname
            self._recording.log(f"{self._steps.stage}/log", rr.TextLog(record.getMessage(), level=level))

    def _is_skipped(self, value: Any, step: int | None) -> bool:
        """Whether only every `image_every`-th step of such a value is shown, and this is not one."""
        return step is not None and step % self._settings.image_every > 0 and not isinstance(value, _LIGHT)

    def _update_layout_facts(self, value: Any) -> None:
        """Takes from the value what the layout depends on."""
        splats = value.gaussians if isinstance(value, Scene) else value
        if isinstance(splats, Gaussians) and len(splats):
            self._focus_z = float(splats.means[:, 2].median())
            self._note_thinning(len(splats))
        if isinstance(value, SparsePoints) and len(value):
            self._focus_z = float(value.xyz[:, 2].median())
        if isinstance(value, View):
            self._upright_photo = value.camera.height > value.camera.width

    def _note_thinning(self, n: int) -> None:
        most = self._settings.max_splats
        if n > most and not self._noted_thinning:
            self._noted_thinning = True
            line = "the viewer shows %s of %s Gaussians, enlarged to cover the scene: raise rerun.max_splats to see all"
            log.info(line, f"{most:,}", f"{n:,}")

    def _draw(self, name: str, mark: Mark) -> None:
        path = f"{name}/{mark.below}".rstrip("/")
        role = role_of(path)
        if mark.kind == "text":
            path = f"{self._steps.stage}/log"  # one entity, so that lines of the same step keep their order
        elif mark.kind not in _ABREAST:
            path = role
        # The camera of a picture must exist at all times, else the viewer shows an error at earlier times.
        self._recording.log(path, *mark.archetypes, static=mark.kind == "camera")
        self._note_kind(role, mark.kind)

    def _note_kind(self, role: str, kind: str) -> None:
        self._layout_is_stale |= role not in self._seen and kind not in (*_ABREAST, "text")
        self._seen[role] = self._seen.pop(role, kind)  # newest last

    def _lay_out(self, active: str | None) -> None:
        upright = self._settings.layout == "portrait", self._upright_photo
        layout = Layout(self._stages, self._seen, active, self._focus_z, *upright)
        at_once = self._settings.follow or active is None or not self._laid_out
        self._recording.send_blueprint(layout.blueprint(), make_active=at_once)
        self._laid_out, self._layout_is_stale = True, False

    def _lay_out_if_stale(self) -> None:
        """Sends the overview at the end of a run, if something new came after the last layout."""
        if self._recording is not None and self._layout_is_stale:
            self._lay_out(None)

    @staticmethod
    def _end(recording: rr.RecordingStream) -> None:
        try:
            recording.flush(timeout_sec=_FLUSH_S)
        except RuntimeError as error:
            log.warning("the recording may lack its last part: %s", error)
        recording.disconnect()
