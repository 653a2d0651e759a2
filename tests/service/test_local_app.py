"""`vistadream app` as a process: its port, its key, its cookie, and a world of proxies around it."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time

import httpx
import pytest
from tests.service.conftest import PROXIES

from vistadream.assets import sample_image
from vistadream.service import local_app
from vistadream.service.access.local_key import LocalKey
from vistadream.service.address import Listener

WORDS = {"stage": "no-outpaint", "max_resolution": 32, "recipe": "quick", "stages.initialize.steps": 1}
SMALLEST = json.dumps(WORDS | {"export": ["gaussians"]})


class App:
    """An app that runs."""

    def __init__(self, data, port, *words, log=None):
        environment = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
        command = [sys.executable, "-m", "vistadream", "app", f"data={data}", f"port={port}", "min_free_gb=0", *words]
        with open(log or os.devnull, "ab") as stderr:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**environment, **PROXIES, "OMP_NUM_THREADS": "1"},
            )
        self.lines = [self.process.stdout.readline().strip() for _ in range(3)]
        self.url = self.lines[1].split()[-1]
        self.client = httpx.Client(base_url=self.url.partition("?")[0], timeout=300, trust_env=False)
        self.client.headers["Origin"] = self.url.partition("/?")[0]

    def submit(self):
        """Posts the sample picture; a machine that is busy may not have checked the knobs in time."""
        while True:
            picture = {"file": ("sample.png", sample_image().read_bytes())}
            answer = self.client.post("/v1/predict", files=picture, data={"knobs": SMALLEST})
            if answer.status_code != 503:
                return answer.json()

    def stop(self, number=signal.SIGTERM):
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def app(folder, free_port):
    app = App(folder / "data", free_port(), "workers=1", "drain_s=0", log=folder / "log")
    yield app
    app.stop()


def test_it_prints_where_the_page_is_here_and_through_ssh(app):
    port = app.client.base_url.port
    url = f"http://127.0.0.1:{port}/?key="
    assert app.lines[0] == f"listening on http://127.0.0.1:{port}"
    assert re.fullmatch(rf"open here: +{re.escape(url)}vd_app_[\w-]{{43}}", app.lines[1])
    assert re.fullmatch(
        rf"open from elsewhere: +ssh -N -L {port}:127.0.0.1:{port} \S+ +and there +{re.escape(app.url)}", app.lines[2]
    )


def test_nobody_is_let_in_without_the_key_and_a_browser_with_it_does_all(app, folder):
    assert app.client.get("/v1/jobs").status_code == 401
    assert app.client.get("/").status_code == 200
    page = app.client.get(app.url, follow_redirects=True)
    assert str(page.url) == f"{app.url.partition('?')[0]}"
    job = app.submit()
    events = app.client.get(f"/v1/jobs/{job['id']}/events").text  # until its end, by the cookie
    assert 'event: end\ndata: {"state": "done"}' in events
    scene = app.client.get(f"/v1/jobs/{job['id']}/results/gaussians.ply")
    assert scene.content.startswith(b"ply\n")
    log = (folder / "log").read_text()
    for secret in (app.url.partition("key=")[2], *app.client.cookies.values()):
        assert secret not in log


def test_a_taken_port_leads_to_the_next_one_which_is_said(app, folder):
    port = app.client.base_url.port
    other = App(folder / "other", port, "workers=0")
    try:
        assert re.fullmatch(
            rf"listening on http://127.0.0.1:(\d+), as port {port} is taken by another program", other.lines[0]
        )
        assert other.client.base_url.port > port
        assert app.client.get("/v1/ready").status_code == 200, "the first one goes on"
    finally:
        other.stop()


def test_the_browser_stays_signed_in_after_a_kill(folder, free_port):
    port = free_port()
    first = App(folder / "killed", port, "workers=0")
    first.client.get(first.url)
    cookies = dict(first.client.cookies)
    first.stop(signal.SIGKILL)
    second = App(folder / "killed", port, "workers=0")
    try:
        assert second.url == first.url
        assert httpx.get(f"http://127.0.0.1:{port}/v1/jobs", cookies=cookies, trust_env=False).status_code == 200
    finally:
        second.stop()


def test_the_browser_is_led_by_a_file_as_words_of_a_command_are_seen_by_all(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(local_app.webbrowser, "open", opened.append)
    monkeypatch.setattr(local_app, "has_display", lambda: True)
    door = local_app.AppDoor("auto")
    key = door.local_key(tmp_path)
    with socket.socket() as sock:
        lines = door.opened(Listener(sock, "http://127.0.0.1:7860"), True)
        end = time.monotonic() + 10
        while not opened and time.monotonic() < end:
            time.sleep(0.01)
    file = tmp_path / "open.html"
    assert opened == [file.as_uri()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"url=http://127.0.0.1:7860/?key={key.text}" in file.read_text()
    assert lines[1].endswith(key.text)
    assert key.text == LocalKey.of(tmp_path).text


def test_a_socket_file_is_refused():
    done = subprocess.run([sys.executable, "-m", "vistadream", "app", "uds=/tmp/x"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "browsers open no socket files" in done.stderr
