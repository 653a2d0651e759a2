"""The log: lines of JSON, text on a terminal, files that are rotated, and no secret in any of them."""

import json
import logging
import sys
from pathlib import Path

import pytest
from structlog.contextvars import bound_contextvars

from vistadream.core import UserError
from vistadream.service.watch import logs
from vistadream.service.watch.logs import set_up, without_secrets

LOG = logging.getLogger("vistadream.service.test")
SECRET = "Zm9vYmFyLXNlY3JldA"
SHOWN = [
    f"key vd_a1b2_{SECRET} was refused",
    f"{{'Authorization': 'Bearer {SECRET}'}}",
    f"authorization: Basic {SECRET}==",
    f"secret whsec_{SECRET}+/=",
    f"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJh{SECRET}.{SECRET}",
    f"GET https://hooks.example.org/a?token={SECRET}&x=1 failed",
    f"redis://cache.example.org/0?password={SECRET}",
    f'"GET /v1/jobs?cursor={SECRET} HTTP/1.1" 200',
    f"Cookie: session={SECRET}; theme=dark",
    f"headers:\ncookie: session={SECRET}\nbearer {SECRET}\n",
    f"(b'cookie', b'session={SECRET}')",
    f'{{"set-cookie": "session={SECRET}; HttpOnly"}}',
]


@pytest.fixture(autouse=True)
def _root_as_before():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def lines_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_message_is_a_line_of_json_with_what_it_is_about(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    set_up("info", tmp_path / "logs" / "serve.log")
    with bound_contextvars(request_id="r1", job_id="j1"):
        LOG.info("the job begins, %s", 'with "quotes"\nand a second line', extra={"attempt": 2})
    LOG.debug("too fine")
    (line,) = lines_of(tmp_path / "logs" / "serve.log")
    wanted = {"level": "info", "logger": LOG.name, "request_id": "r1", "job_id": "j1", "attempt": 2}
    assert wanted.items() <= line.items()
    assert line["message"] == 'the job begins, with "quotes"\nand a second line'
    printed = json.loads(capsys.readouterr().err)
    assert {**printed, "timestamp": ""} == {**line, "timestamp": ""}


def test_on_a_terminal_it_is_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    set_up("warning")
    LOG.warning("less than 1 GB is free", extra={"free_gb": 0.5})
    said = capsys.readouterr().err
    assert "less than 1 GB is free" in said
    assert "free_gb" in said
    assert not said.startswith("{")


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("terminal", [True, False])
def test_no_secret_is_written_whoever_shows_it(
    shown: str, terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    set_up("info", tmp_path / "serve.log")
    LOG.info(shown)
    LOG.info("about", extra={"shown": shown})
    try:
        raise ValueError(shown)
    except ValueError:
        LOG.exception("failed")
    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.example.org/%s", SECRET)
    written = capsys.readouterr().err + (tmp_path / "serve.log").read_text()
    assert SECRET not in written
    assert "[hidden]" in written
    assert len(lines_of(tmp_path / "serve.log")) == 3


def test_what_is_no_secret_stays() -> None:
    plain = "why? the job 01m8ey2vcp5ykh37mn84cfjqhg in /srv/data/jobs ended: basic knobs? see https://example.org/a"
    assert without_secrets(plain) == plain


def test_a_message_is_formatted_once_for_all_that_write_it(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    class Counted:
        times = 0

        def __str__(self) -> str:
            self.times += 1
            return f"message {self.times}"

    set_up("info", tmp_path / "serve.log")
    message = Counted()
    LOG.info(message)
    LOG.info("another")
    assert message.times == 1
    assert [line["message"] for line in lines_of(tmp_path / "serve.log")] == ["message 1", "another"]
    assert capsys.readouterr().err == (tmp_path / "serve.log").read_text()


def test_seven_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_FILE_BYTES", 1000)
    set_up("info", tmp_path / "serve.log")
    for number in range(200):
        LOG.info("line %d", number)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 7
    assert all(file.stat().st_size <= 1000 for file in files)
    newest = [line["message"] for file in reversed(files) for line in lines_of(file)]
    assert newest == [f"line {number}" for number in range(200 - len(newest), 200)]


def test_a_folder_that_cannot_be_written_is_one_sentence() -> None:
    with pytest.raises(UserError, match="/proc"):
        set_up("info", Path("/proc/nowhere/serve.log"))
