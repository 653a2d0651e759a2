"""The token: made once and for its owner alone, never made where that of a cluster is wanted."""

import os
import stat
from pathlib import Path

import pytest

from vistadream.core import UserError
from vistadream.workers.cluster.token import token_file, use_token


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "own" / "token"))
    return token_file()


def test_a_token_is_made_once_for_its_owner_alone(file: Path) -> None:
    use_token(make=True)
    made = file.read_text()
    assert len(made) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    use_token(make=True)
    assert file.read_text() == made
    assert os.environ["RAY_AUTH_MODE"] == "token"


def test_that_of_a_cluster_is_not_made_up(file: Path) -> None:
    with pytest.raises(UserError, match=r"the token of the Ray cluster is missing in .*; wanted a copy"):
        use_token(make=False)
    assert not file.exists()


def test_a_token_that_others_can_read_is_refused(file: Path) -> None:
    use_token(make=True)
    file.chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        use_token(make=True)
