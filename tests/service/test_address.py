"""Where `vistadream serve` listens: on loopback or on a socket file, and it says so."""

import asyncio
import os
import signal
import socket
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from vistadream.commands.main import main
from vistadream.config.own_file import own_knobs
from vistadream.service.access.keys import Keys
from vistadream.service.address import listen
from vistadream.service.knobs import ServeKnobs
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.database import Database


@contextmanager
def opened(data):
    """The keys of a data folder."""
    database = Database(database_url(data))
    yield Keys(database)
    database.close()


@pytest.fixture
def refused(capsys, monkeypatch):
    """What `vistadream serve` says to its words, with exit code 2, in this process."""
    from vistadream.service import server

    monkeypatch.setattr(server.asyncio, "run", None)  # nothing is served

    def said(*words):
        assert main(["serve", *words]) == 2
        return capsys.readouterr().err

    return said


@pytest.mark.parametrize("host", ["0.0.0.0", "'::'", "192.168.0.7", "'::ffff:8.8.8.8'"])
def test_an_address_that_others_reach_is_not_opened_without_a_key(host, tmp_path, refused):
    said = refused(f"host={host}", f"data={tmp_path}/data")
    assert f"vistadream keys add name=NAME data={tmp_path}/data" in said
    assert not list(tmp_path.iterdir())


def test_a_revoked_key_opens_no_address(tmp_path, refused):
    with opened(tmp_path) as keys:
        keys.revoke(keys.add("a").row.id)
    assert "there is no API key" in refused("host=0.0.0.0", f"data={tmp_path}")


def test_with_a_key_others_can_connect_and_the_first_lines_say_that_nothing_is_encrypted(start, tmp_path):
    with opened(tmp_path) as keys:
        key = keys.add("a").text
    limit = "limits.failures_per_minute=2"
    running = start("min_free_gb=0", "workers=0", "host=0.0.0.0", "proxies=[127.0.0.1]", limit, data=tmp_path)
    assert "nothing is encrypted" in running.lines[1]
    url = f"http://127.0.0.2:{running.client.base_url.port}/v1/jobs"
    assert httpx.get(url, trust_env=False).status_code == 401
    ask = {"X-API-Key": key}
    assert httpx.get(url, headers=ask, trust_env=False).status_code == 200
    assert httpx.get(url, headers=ask | {"Host": "evil.example.org"}, trust_env=False).status_code == 421
    _only_a_named_proxy_says_where_a_request_comes_from(url)
    with opened(tmp_path) as keys:
        keys.revoke(keys.listed()[0].id)
    assert httpx.get(url, trust_env=False).status_code == 401, "it does not become open when the last key is revoked"


def _only_a_named_proxy_says_where_a_request_comes_from(url):
    """From 127.0.0.1 each address in X-Forwarded-For has its own wrong keys; from 127.0.0.3 they are all its own."""
    for source, limited in (("127.0.0.1", False), ("127.0.0.3", True)):
        with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as http:
            headers = [{"X-API-Key": "vd_wrong", "X-Forwarded-For": f"5.5.5.{number}"} for number in range(8)]
            statuses = [http.get(url, headers=each).status_code for each in headers]
        assert (429 in statuses) == limited, (source, statuses)


def test_a_taken_port_is_one_sentence_and_its_owner_is_left_alone(tmp_path, refusal):
    with socket.create_server(("127.0.0.1", 0)) as owner:
        port = owner.getsockname()[1]
        said = refusal(f"port={port}", f"data={tmp_path}/data")
        assert f"port {port} is taken" in said
        assert "port=auto" in said
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            assert owner.accept()
    assert not list(tmp_path.iterdir()), "the socket comes first, so that nothing else was begun"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("prot=8001", "prot is not a knob; see --help for all; did you mean port?"),
        ("port=eighty", "port: got 'eighty'; wanted"),
        ("port=70000", "port: got 70000; wanted 1 to 65535, or auto"),
        ("port=8000,8001", "gives several values"),
        ("drain_s=-1", "drain_s: got -1; wanted 0 or more"),
        ("drain_s=nan", "drain_s: got nan; wanted 0 or more"),
        ("drain_s=${oc.env:HOME}", "asks for more than another knob's value"),
        ("--reload", "cannot read '--reload'"),
        ("host=localhost", "host: got 'localhost'; wanted an IP address"),
        ("host=127.0.0.1.5", "wanted an IP address"),
        ("jwt.key_file=/nowhere", "jwt.key_file=/nowhere: No such file"),
        ("jwt.algorithm=none", "jwt.algorithm: got 'none'; wanted one of HS256"),
        ("limits.read_per_minute=0", "limits.read_per_minute: got 0; wanted 1 or more, or null"),
        ("database_env=NOWHERE", "database_env=NOWHERE: there is no such environment variable"),
        ("uds=/nowhere/at/all.sock", "uds=/nowhere/at/all.sock cannot be used"),
        (f"uds=/tmp/{'long' * 50}.sock", "cannot be used"),
    ],
)
def test_a_wrong_word_is_one_sentence(word, said, tmp_path, refused, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refused(word)
    assert not list(tmp_path.iterdir())


def test_port_auto_takes_a_free_one_and_says_which(start):
    running = start("min_free_gb=0", port="auto")
    assert 8000 <= running.client.base_url.port < 8200
    assert running.client.get("/v1/ready").status_code == 200


def test_the_first_lines_say_where_it_is_and_who_can_reach_it(service):
    assert service.lines[0] == f"listening on {service.client.base_url}".rstrip("/")
    assert "every user of this machine can connect" in service.lines[1]
    assert "uds=PATH" in service.lines[1]
    assert "vistadream keys add" in service.lines[1]


def test_a_socket_file_is_for_its_owner_alone_and_replaced_only_when_nobody_listens(start, tmp_path, refusal):
    path = tmp_path / "s.sock"
    running = start("min_free_gb=0", uds=path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in running.lines[0]
    assert running.client.get("/v1/ready").status_code == 200
    assert "cannot be used" in refusal(f"uds={path}", f"data={tmp_path}/data")
    running.stop(signal.SIGKILL)
    assert path.exists()
    again = start("min_free_gb=0", uds=path)
    assert again.client.get("/v1/ready").status_code == 200
    assert again.stop(signal.SIGINT) == 0
    assert not path.exists()


def test_a_file_in_the_place_of_the_socket_stays(tmp_path, refusal):
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    assert "cannot be used (it exists)" in refusal(f"uds={path}", f"data={tmp_path}/data")
    assert path.read_text() == "mine"


def test_two_services_do_not_share_a_data_folder(service, refusal, free_port):
    assert "is used by another vistadream serve" in refusal(f"port={free_port()}", f"data={service.data}")


def test_the_data_folder_is_for_its_owner_alone(service):
    assert stat.S_IMODE((service.data / "jobs").stat().st_mode) == 0o700


def test_the_service_imports_no_torch(service):
    """The libraries of numbers are mapped into no process of it but the clerk and the workers."""
    maps = Path(f"/proc/{service.process.pid}/maps")
    if not maps.exists():
        pytest.skip("this system has no /proc")
    mapped = maps.read_text()
    assert not [name for name in ("torch", "numba", "numpy", "cv2") if f"/{name}" in mapped]
    assert os.path.basename(os.path.realpath(service.process.args[0])) in mapped


def test_a_signal_ends_it_with_0_and_soon_when_nothing_runs(service):
    began_s = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began_s < 5
    with pytest.raises(httpx.ConnectError):
        service.client.get("/v1/ready")


def test_answers_do_not_wait_for_the_client_to_acknowledge_their_first_part(free_port):
    """Without TCP_NODELAY an answer in two parts takes 40 ms. asyncio sets it where the socket is made for TCP."""
    listener = listen(own_knobs("serve", ServeKnobs, [f"port={free_port()}"]))

    async def accepted() -> int:
        got = asyncio.get_running_loop().create_future()
        server = await asyncio.start_server(lambda _, writer: got.set_result(writer), sock=listener.sock)
        async with server:
            _, mine = await asyncio.open_connection(*listener.sock.getsockname())
            theirs = await got
            nodelay = theirs.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            mine.close()
            theirs.close()
        return nodelay

    assert asyncio.run(accepted()) == 1
