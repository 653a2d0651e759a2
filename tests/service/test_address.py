"""Where `vistadream serve` listens: on loopback or on a socket file, and it says so."""

import os
import signal
import socket
import stat
import time
from pathlib import Path

import httpx
import pytest


@pytest.mark.parametrize("host", ["0.0.0.0", "'::'", "192.168.0.7", "localhost"])
def test_no_address_but_loopback_is_opened(host, tmp_path, refusal):
    said = refusal(f"host={host}", f"data={tmp_path}/data")
    assert f"host: got {host.strip(chr(39))!r}; wanted 127.0.0.1" in said
    assert "there are no API keys yet" in said
    assert not list(tmp_path.iterdir())


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
        ("uds=/nowhere/at/all.sock", "uds=/nowhere/at/all.sock cannot be used"),
        (f"uds=/tmp/{'long' * 50}.sock", "cannot be used"),
    ],
)
def test_a_wrong_word_is_one_sentence(word, said, tmp_path, refusal, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said in refusal(word)
    assert not list(tmp_path.iterdir())


def test_port_auto_takes_a_free_one_and_says_which(start):
    running = start("min_free_gb=0", port="auto")
    assert 8000 <= running.client.base_url.port < 8200
    assert running.client.get("/v1/ready").status_code == 200


def test_the_first_lines_say_where_it_is_and_who_can_reach_it(service):
    assert service.lines[0] == f"listening on {service.client.base_url}".rstrip("/")
    assert "every user of this machine can connect" in service.lines[1]
    assert "uds=PATH" in service.lines[1]


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
