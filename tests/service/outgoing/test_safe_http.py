"""Requests to a server on loopback, which the knob names or to which a pretended network leads."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import httpcore
import pytest

from vistadream.service.outgoing.network import GuardedNetwork
from vistadream.service.outgoing.safe_http import SafeHttp
from vistadream.service.problems import ProblemError

PUBLIC = "93.184.216.34"


class Led(httpcore.AnyIOBackend):
    """Connects to one port of loopback in the place of every public address."""

    def __init__(self, port: int):
        self.port = port

    async def connect_tcp(self, host, port, *further):
        assert host == PUBLIC
        return await super().connect_tcp("127.0.0.1", self.port, *further)


def led_to(port: int, knobs, tls=None) -> SafeHttp:
    """A client for which every name but *.lan has a public address, behind which is this port."""

    def resolve(host: str, _: int) -> list[str]:
        return ["10.0.0.7"] if host.endswith(".lan") else [PUBLIC]

    return SafeHttp(knobs, GuardedNetwork(knobs, resolve, Led(port)), tls)


def got(http: SafeHttp, url: str, within_s: float = 5, limit_bytes: int = 1000) -> bytes:
    kept = bytearray()
    asyncio.run(http.get(url, within_s, limit_bytes, kept.extend))
    return bytes(kept)


@pytest.fixture
def http(receiver, outgoing_knobs) -> SafeHttp:
    return led_to(receiver.port, outgoing_knobs())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "wanted http:// or https://"), ("photo.jpg", "wanted http"), ("//pictures.example/a", "wanted http"),
        ("ftp://pictures.example/a", "wanted http"),
        ("file:///etc/passwd", "wanted http"), ("gopher://x/", "wanted http"),
        ("http:///a", "wanted http"), ("http://\x00/", "wanted http"), ("http://[::1/", "wanted http"),
        ("http://x/" + "a" * 2000, "wanted http"), ("data:image/png;base64,AAAA", "wanted http"),
        ("http://me:secret@pictures.example/", "wanted one without user name"),
        ("http://pictures.example\\@gallery.lan/", "wanted one without user name"),
        ("http://pictures.example:22/", "the URL names port 22; wanted one of 80, 443"),
        ("http://pictures.example:99999/", "names port 99999"), ("https://pictures.example:6379/", "names port 6379"),
    ],
)  # fmt: skip
def test_a_url_of_another_form_is_refused_before_anything_is_looked_up(url, said, http, receiver):
    for act in (lambda: http.get(url, 5, 1, print), lambda: http.post(url, b"", {}, 5), lambda: http.check(url, 5)):
        with pytest.raises(ProblemError) as refused:
            asyncio.run(act())
        assert refused.value.status == 422
        assert said in refused.value.detail
    assert "secret" not in refused.value.detail
    assert receiver.requests == []


def test_content_and_headers(http, receiver):
    receiver.answers.append((200, {"Set-Cookie": "a=b"}, b"picture"))
    assert got(http, "http://Pictures.example/a%20b/c.png?size=3#part") == b"picture"
    assert got(http, "http://pictures.example/") == b""
    first, second = receiver.requests
    assert (first.path, first.headers["host"]) == ("/a%20b/c.png?size=3", "pictures.example")
    assert "cookie" not in second.headers
    assert first.headers["accept-encoding"] == "identity", "so that no small answer becomes a large one"


def test_variables_for_proxies_are_not_read(http, receiver, monkeypatch):
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert got(http, "http://pictures.example/") == b""
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_once_it_was_checked(status, http, receiver):
    receiver.answers += [(status, {"Location": "/b?c"}, b""), (status, {"Location": "http://other.example/d"}, b"")]
    receiver.answers.append((200, {}, b"picture"))
    assert got(http, "http://pictures.example/a") == b"picture"
    assert [each.path for each in receiver.requests] == ["/a", "/b?c", "/d"]
    assert [each.headers["host"] for each in receiver.requests][2] == "other.example"


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("http://gallery.lan/", 422), ("http://pictures.example:22/", 422), ("file:///etc/passwd", 422),
        ("http://me:secret@pictures.example/", 422), ("http://pictures.example:x/", 502), ("\xff", 502),
    ],
)  # fmt: skip
def test_a_redirect_to_what_is_not_allowed_is_refused(location, status, http, receiver):
    receiver.answers.append((302, {"Location": location}, b""))
    with pytest.raises(ProblemError) as refused:
        got(http, "http://pictures.example/a")
    assert refused.value.status == status
    assert len(receiver.requests) == 1


def test_redirects_have_an_end(http, receiver):
    receiver.answers += [(302, {"Location": "/"}, b"")] * 9
    with pytest.raises(ProblemError, match="redirects more than 3 times"):
        got(http, "http://pictures.example/")
    assert len(receiver.requests) == 4


def test_a_webhook_follows_no_redirect(http, receiver):
    receiver.answers.append((307, {"Location": "/b"}, b""))
    assert asyncio.run(http.post("http://pictures.example/a", b"{}", {"webhook-id": "1"}, 5)) == 307
    assert [(each.method, each.body, each.headers["webhook-id"]) for each in receiver.requests] == [
        ("POST", b"{}", "1")
    ]


def test_a_large_answer_is_not_read_to_its_end(http, receiver):
    receiver.answers += [(200, {}, b"x" * 1000), (200, {}, b"x" * 1001)]
    assert len(got(http, "http://pictures.example/")) == 1000
    with pytest.raises(ProblemError, match=r"wanted at most 0\.001 MB") as refused:
        got(http, "http://pictures.example/")
    assert refused.value.status == 413


def test_a_slow_answer_is_not_waited_for(http, receiver):
    receiver.holds.clear()
    for act in (
        http.get("http://pictures.example/", 0.2, 9, print),
        http.post("http://pictures.example/", b"", {}, 0.2),
    ):
        with pytest.raises(ProblemError, match=r"did not answer in 0\.2 s") as refused:
            asyncio.run(act)
        assert refused.value.status == 504


@pytest.mark.parametrize("answer", [(404, {}, b""), (500, {}, b""), (204, {}, b""), (304, {}, b"")])
def test_another_answer_is_not_a_picture(answer, http, receiver):
    receiver.answers.append(answer)
    with pytest.raises(ProblemError, match=f"answered {answer[0]}") as refused:
        got(http, "http://pictures.example/")
    assert refused.value.status == 502


def test_nobody_who_listens_and_half_an_answer(http, receiver, outgoing_knobs, free_port):
    receiver.answers.append((200, {"Content-Length": "100", "Connection": "close"}, b"x"))
    for each in (http, led_to(free_port(), outgoing_knobs())):
        with pytest.raises(ProblemError, match="cannot be reached") as refused:
            got(each, "http://pictures.example/")
        assert refused.value.status == 502


def test_checking_sends_nothing(http, receiver):
    asyncio.run(http.check("http://pictures.example/a", 5))
    with pytest.raises(ProblemError, match="not public"):
        asyncio.run(http.check("http://gallery.lan/a", 5))
    assert receiver.requests == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of pictures.example, with its key."""
    file = tmp_path / "both.pem"
    subject = ("-subj", "/CN=pictures.example", "-addext", "subjectAltName=DNS:pictures.example")
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1")
    subprocess.run([*made, *subject, "-keyout", file, "-out", tmp_path / "cert"], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "cert").read_text())
    return file


def test_tls_checks_the_name_although_the_connection_is_to_an_address(new_receiver, certificate, outgoing_knobs):
    names: list[str] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda _, name, __: names.append(name)
    receiver = new_receiver(server)
    http = led_to(receiver.port, outgoing_knobs(), ssl.create_default_context(cafile=str(certificate)))
    assert got(http, "https://pictures.example/") == b""
    with pytest.raises(ProblemError, match="cannot be reached"):
        got(http, "https://other.example/")
    assert names == ["pictures.example", "other.example"]
    assert [each.headers["host"] for each in receiver.requests] == ["pictures.example"]
    receiver.answers.append((302, {"Location": "http://pictures.example/"}, b""))
    with pytest.raises(ProblemError, match="from https to http"):
        got(http, "https://pictures.example/")
