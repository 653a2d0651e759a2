"""Servers on this machine that stand in for the hubs and the proxies, with every way in which they fail."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vistadream.core import use_observer

Answer = Callable[["Request"], None]
_over = threading.Event()  # ends what stalls


class Request(BaseHTTPRequestHandler):
    """One request; `self.server` is the FileServer."""

    def do_GET(self) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        answer = self.server.plan.pop(0) if self.server.plan else self.server.usual
        answer(self)

    def do_HEAD(self) -> None:
        self.do_GET()

    def reply(self, status: int, headers: dict[str, object], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def hang_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)


def _file(upto: int | None = None, ranges: bool = True, flip: bool = False, stall: bool = False) -> Answer:
    """The file, or what the request asks of it; `upto`: the connection ends, or stalls, after so many bytes."""

    def answer(request: Request) -> None:
        server, asked = request.server, request.headers.get("Range")
        body = bytes(b ^ 255 for b in server.content) if flip else server.content
        headers: dict[str, object] = {"ETag": server.etag} if server.etag else {}
        status, start, total = 200, 0, len(body)
        if asked and ranges and request.headers.get("If-Range", server.etag) == server.etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= total:
                return request.reply(416, {"Content-Range": f"bytes */{total}", "Content-Length": 0})
            status, headers = 206, headers | {"Content-Range": f"bytes {start}-{total - 1}/{total}"}
        rest = body[start:]
        request.reply(status, headers | {"Content-Length": len(rest)}, rest[:upto])
        if stall:
            _over.wait(20)
        if upto is not None:
            request.hang_up()

    return answer


def _status(code: int, **headers: object) -> Answer:
    """An answer without the file."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: request.reply(code, {"Content-Length": 0, **named})


class FileServer(ThreadingHTTPServer):
    """Serves `content` at every path, unless `plan` holds another answer for the next request."""

    file = staticmethod(_file)
    status = staticmethod(_status)

    def __init__(self, content: bytes = b""):
        super().__init__(("127.0.0.1", 0), Request)
        self.content, self.etag = content, '"v1"'
        self.plan: list[Answer] = []
        self.usual: Answer = self.file()
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    def handle_error(self, *_: object) -> None:
        """A client that hung up is no news."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, _, headers in self.seen]


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    _over.clear()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        _over.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer(bytes(range(251)) * 400)
    with running(server):
        yield server


@pytest.fixture
def notes() -> Iterator[list]:
    """Everything that is told while the test runs."""
    heard: list = []
    with use_observer(lambda name, value, step=None: heard.append(value)):
        yield heard


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HF_TOKEN", "HF_HUB_CACHE", "HF_ENDPOINT"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


class SocksProxy:
    """What a client without a password asks of a SOCKS5 proxy (RFC 1928); every name means this machine."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        stream = client.makefile("rb")
        _, methods = stream.read(2)
        stream.read(methods)
        client.sendall(b"\x05\x00")
        assert stream.read(4) == b"\x05\x01\x00\x03", "a connection to a name, which the proxy resolves"
        self.asked.append(stream.read(stream.read(1)[0]))
        upstream = socket.create_connection(("127.0.0.1", int.from_bytes(stream.read(2))))
        client.sendall(b"\x05\x00\x00\x01" + bytes(6))
        threading.Thread(target=_pump, args=(upstream, client), daemon=True).start()
        _pump(client, upstream)

    def close(self) -> None:
        self._listener.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def socks_proxy() -> Iterator[SocksProxy]:
    proxy = SocksProxy()
    yield proxy
    proxy.close()
