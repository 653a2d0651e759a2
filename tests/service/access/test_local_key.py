"""The key of `vistadream app`."""

import stat

import pytest

from vistadream.core import UserError
from vistadream.service.access.local_key import LocalKey


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    key = LocalKey.of(tmp_path)
    assert LocalKey.of(tmp_path).text == key.text
    assert stat.S_IMODE((tmp_path / "app.key").stat().st_mode) == 0o600
    assert LocalKey(f"{key.text[:-1]}.").id != key.id
    assert key.matches(key.text)
    assert not key.matches("vd_app_é")


def test_a_file_with_something_else_is_refused(tmp_path):
    (tmp_path / "app.key").write_bytes(b"\xff")
    with pytest.raises(UserError, match="holds no key"):
        LocalKey.of(tmp_path)


def test_it_lets_in_by_header_and_another_service_does_not_know_its_sessions(house, tmp_path):
    local = LocalKey.of(tmp_path)
    made = house(local=local)
    assert made.ask("GET", "/v1/keys", key=local.text).status_code == 200, "it may do all"
    cookies = dict(made.ask("GET", f"/?key={local.text}").cookies)
    assert made.ask("GET", "/v1/jobs", cookies=cookies).status_code == 200
    other = house(local=LocalKey(f"vd_app_{'x' * 43}"))
    assert other.ask("GET", "/v1/jobs", cookies=cookies).status_code == 401
    assert other.ask("GET", "/v1/jobs", key=local.text).status_code == 401
