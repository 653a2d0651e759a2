"""A server on loopback that answers as each test wants, and the network that leads every name to it."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vistadream.service.outgoing.knobs import OutgoingKnobs


@dataclass
class Request:
    """What the server was sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Receiver:
    """A server in threads of its own."""

    server: ThreadingHTTPServer
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    """The next answers; after them 200 without a body."""
    holds: threading.Event = field(default_factory=_set)
    """Answers wait until this is set."""

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"


def _handler(receiver: Callable[[], Receiver]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            here = receiver()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            here.requests.append(
                Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            )
            here.holds.wait(30)
            status, headers, content = here.answers.pop(0) if here.answers else (200, {}, b"")
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # whoever asked has left
                self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture(scope="module")
def new_receiver() -> Iterator[Callable[..., Receiver]]:
    """Starts a server, with TLS where a context is given; all end after the last test of the file."""
    started: list[Receiver] = []

    def begin(tls: ssl.SSLContext | None = None) -> Receiver:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: found))
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        found = Receiver(server)
        started.append(found)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return found

    yield begin
    for each in started:
        each.server.shutdown()
        each.server.server_close()


@pytest.fixture(scope="module")
def one_receiver(new_receiver: Callable[..., Receiver]) -> Receiver:
    return new_receiver()


@pytest.fixture
def receiver(one_receiver: Receiver) -> Iterator[Receiver]:
    """One server for a file of tests, which knows nothing of the test before."""
    one_receiver.requests.clear()
    one_receiver.answers.clear()
    one_receiver.holds.set()
    yield one_receiver
    one_receiver.holds.set()


@pytest.fixture
def outgoing_knobs() -> Callable[..., OutgoingKnobs]:
    """The knobs of conf/serve.yaml, but for these."""

    def knobs(**changed: object) -> OutgoingKnobs:
        usual = {"allow_hosts": [], "ports": [80, 443], "image_s": 5, "webhook_s": 5, "webhook_days": 14}
        return OutgoingKnobs(**(usual | changed))

    return knobs
