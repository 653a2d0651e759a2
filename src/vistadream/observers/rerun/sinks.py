"""The destinations of a recording: a file, and a spawned viewer, a running viewer or a server of this process."""

from __future__ import annotations

import logging
import shutil
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import rerun as rr

from vistadream.observers.elsewhere import has_display, ssh_line
from vistadream.observers.rerun.settings import RerunSettings

log = logging.getLogger("vistadream.rerun")
_PORTS_TRIED = 100
_PROBE_S = 0.5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EVERYWHERE = ("0.0.0.0", "::")

Sink = rr.FileSink | rr.GrpcSink | rr.GrpcServerSink


def open_sinks(recording: rr.RecordingStream, settings: RerunSettings, file: Path | None) -> tuple[Sink, ...]:
    """Connects the recording according to `settings.mode`, and returns the sinks that opened.

    A sink that cannot be opened is left out with a warning, because a run must not fail for its viewer.
    """
    live = _live(settings, recording)
    for sinks in ((*([rr.FileSink(file)] if file else []), *live), live, ()):
        try:
            recording.set_sinks(*sinks)
            return sinks
        except RuntimeError as error:
            log.warning("not recording to %s: %s", ", ".join(type(sink).__name__ for sink in sinks), error)
    return ()


def resolve_mode(settings: RerunSettings) -> str:
    """The mode that `auto` stands for: connect if an address is given, spawn if a window can open, else serve."""
    if settings.mode != "auto":
        return settings.mode
    if settings.connect is not None:
        return "connect"
    return "spawn" if has_display() and viewer_executable() else "serve"


def viewer_executable() -> str | None:
    """The `rerun` program of this Python, else the one on PATH."""
    return shutil.which("rerun", path=str(Path(sys.executable).parent)) or shutil.which("rerun")


def free_port(host: str, first: int) -> int:
    """The first port from `first` upwards that can be bound on `host`. OSError when there is none."""
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        if _can_bind(host, port):
            if port != first:
                log.warning("rerun.port=%d is in use, so this run uses %d", first, port)
            return port
    raise OSError(f"no port of {host} from {first} on can be bound")


def _can_bind(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _live(settings: RerunSettings, recording: rr.RecordingStream) -> tuple[Sink, ...]:
    """The sink for a live viewer; empty, with a warning, when it cannot be opened."""
    try:
        match resolve_mode(settings):
            case "spawn":
                return (_spawn(settings, recording),)
            case "connect":
                return (_connect(settings),)
            case "serve":
                return (_serve(settings),)
    except (OSError, RuntimeError, ValueError) as error:
        log.warning("this run cannot be watched live: %s", error)
    return ()


def _spawn(settings: RerunSettings, recording: rr.RecordingStream) -> Sink:
    executable = viewer_executable()
    if executable is None:
        raise OSError("found no program `rerun`; wanted the one that comes with rerun-sdk, or rerun.mode=serve")
    port = free_port("127.0.0.1", settings.port)
    rr.spawn(
        port=port,
        connect=False,
        recording=recording,
        executable_path=executable,
        memory_limit=settings.memory_limit,
        server_memory_limit=settings.memory_limit,
        hide_welcome_screen=True,
    )
    _probe("127.0.0.1", port)
    return rr.GrpcSink(address("127.0.0.1", port))


def _connect(settings: RerunSettings) -> Sink:
    url = settings.connect or address("127.0.0.1", settings.port)
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        raise ValueError(f"rerun.connect={url} is not an address; wanted rerun+http://HOST:PORT/proxy")
    _probe(parts.hostname, parts.port)
    return rr.GrpcSink(url)


def _probe(host: str, port: int) -> None:
    """Raises OSError when nothing listens there; Rerun's client would wait for a server, here and again at exit."""
    try:
        socket.create_connection((host, port), timeout=_PROBE_S).close()
    except OSError as error:
        raise OSError(f"no viewer listens on {host}:{port} ({error}); start one with `rerun`") from error


def _serve(settings: RerunSettings) -> Sink:
    port = free_port(settings.bind, settings.port)
    sink = rr.GrpcServerSink(bind_ip=settings.bind, port=port, server_memory_limit=settings.memory_limit)
    if settings.bind not in _LOOPBACK:
        log.warning("rerun.bind=%s: everyone who reaches port %d of this machine can watch", settings.bind, port)
    host = "127.0.0.1" if settings.bind in (*_LOOPBACK, *_EVERYWHERE) else settings.bind
    host = f"[{host}]" if ":" in host else host
    log.info("watch from here:       rerun --connect %s", address(host, port))
    there = address("127.0.0.1", port)
    log.info("watch from elsewhere:  %s   and there  rerun --connect %s", ssh_line(port, host), there)
    return sink


def address(host: str, port: int) -> str:
    """The URL of a Rerun server or viewer."""
    return f"rerun+http://{host}:{port}/proxy"
