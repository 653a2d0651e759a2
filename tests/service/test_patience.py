"""Clients that hold connections: who asks nothing is closed, and many that listen keep nobody waiting."""

import socket
import time

import pytest

HEAD_S = 4
LISTENERS = 500


@pytest.fixture(scope="module")
def service(start):
    """A service that waits for the head of a request for a short while."""
    return start("min_free_gb=0", "workers=0", "drain_s=0", f"head_s={HEAD_S}")


def connected(service) -> socket.socket:
    return socket.create_connection((service.client.base_url.host, service.client.base_url.port), timeout=60)


def test_many_streams_and_slow_clients_keep_nobody_else_waiting(service):
    job = service.submit().json()["id"]
    host = service.client.base_url.host
    begun_s = time.monotonic()
    slow = [connected(service) for _ in range(50)]
    for sock in slow:
        sock.sendall(b"GET /v1/ready HTTP/1.1\r\nHost: ")
    streams = [connected(service) for _ in range(LISTENERS)]
    for sock in streams:
        sock.sendall(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
    assert service.client.get("/v1/stats").json()["listeners"] == LISTENERS
    assert service.client.get(f"/v1/jobs/{job}").elapsed.total_seconds() < 5
    for sock in slow:
        assert sock.recv(100) == b"", "closed without an answer"
        sock.close()
    assert time.monotonic() - begun_s > HEAD_S
    assert service.client.get("/v1/stats").json()["listeners"] == LISTENERS, "a stream is not a slow client"
    for sock in streams:
        sock.close()
    end = time.monotonic() + 30
    while service.client.get("/v1/stats").json()["listeners"]:
        assert time.monotonic() < end, "who leaves is not listened for"
        time.sleep(0.1)


def test_a_connection_that_is_used_again_is_kept(service):
    with connected(service) as sock:
        for _ in range(3):
            sock.sendall(f"GET /v1/ready HTTP/1.1\r\nHost: {service.client.base_url.host}\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"}"):  # head and body may come one after the other
                answer += sock.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200 ")
            time.sleep(1)


@pytest.mark.parametrize("request_line", [b"GET\r\n\r\n", b"\x16\x03\x01"])
def test_what_is_no_http_is_closed(request_line, service):
    with connected(service) as sock:
        sock.sendall(request_line + b"\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")
