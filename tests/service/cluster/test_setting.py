"""What several machines cannot share is refused, and passwords show nowhere."""

from pathlib import Path

import pytest

from vistadream.config.own_file import own_knobs
from vistadream.core import UserError
from vistadream.service.cluster.setting import setting_of
from vistadream.service.knobs import ServeKnobs

URL = "postgresql+psycopg://me:secret@host/queue"


def knobs(*words: str) -> ServeKnobs:
    return own_knobs("serve", ServeKnobs, ["engine=ray", *words])


def test_a_queue_in_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"SQLite is a file of one machine; wanted database_env=VARIABLE"):
        setting_of(knobs())
    monkeypatch.setenv("QUEUE", "sqlite:///queue.db")
    with pytest.raises(UserError, match="SQLite is a file of one machine"):
        setting_of(knobs("database_env=QUEUE"))


def test_a_socket_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE", URL)
    with pytest.raises(UserError, match="listens on an address, not on the file uds=/x; wanted port="):
        setting_of(knobs("database_env=QUEUE", "uds=/x"))


def test_each_process_gets_the_passwords_and_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE", URL)
    monkeypatch.setenv("REDIS", "other-secret")
    setting = setting_of(knobs("database_env=QUEUE", "cache.password_env=REDIS", "data=here"))
    assert setting.url == URL
    assert setting.knobs.data == Path.cwd() / "here"
    assert "secret@" not in repr(setting)
    assert "other-secret" not in repr(setting)
    monkeypatch.delenv("QUEUE")
    monkeypatch.delenv("REDIS")
    setting.enter()
    assert setting_of(setting.knobs).environment == {"QUEUE": URL, "REDIS": "other-secret"}
