"""The page and its files over HTTP."""

import gzip

import pytest

from vistadream.formats.viewer_limits import LIMITER
from vistadream.service.access.local_key import LocalKey
from vistadream.service.routes import page
from vistadream.service.site.viewer import DOWNLOAD, FILES
from vistadream.version import __version__


@pytest.fixture
def lib(tmp_path, monkeypatch):
    """A folder for the files of the viewer."""
    monkeypatch.setattr(page, "LIB", tmp_path / "lib")
    return tmp_path / "lib"


def test_the_page_is_at_the_root_with_a_policy(house):
    answer = house().ask("GET", "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "<title>VistaDream</title>" in answer.text


def test_what_the_browser_has_is_not_sent_again(house):
    made = house()
    first = made.ask("GET", "/page/index.html")
    for headers in ({"If-None-Match": first.headers["etag"]}, {"If-None-Match": f'"x", {first.headers["etag"]}'}):
        again = made.ask("GET", "/page/index.html", headers=headers)
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]
    assert made.ask("GET", "/", headers={"If-None-Match": '"x"'}).status_code == 200


def test_files_of_the_viewer_are_packed_for_whom_can_unpack_them(house, lib):
    lib.mkdir()
    (lib / "viewer.js").write_text("export {};\n" * 1000)
    made = house()
    plain = made.ask("GET", "/lib/viewer.js", headers={"Accept-Encoding": "identity"})
    packed = made.ask("GET", "/lib/viewer.js", headers={"Accept-Encoding": "br, gzip"})
    assert plain.content == packed.content == b"export {};\n" * 1000
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 6, mtime=0))
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "Accept-Encoding"


def test_the_rules_of_the_viewers_camera_are_those_of_the_exported_page(house):
    answer = house().ask("GET", "/page/viewer_limits.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.content == LIMITER.read_bytes()


@pytest.mark.parametrize("path", ["/page/", "/page/../models.py", "/page/%2e%2e/models.py", "/lib/no.js", "/page/x.py"])
def test_nothing_else_is_served(house, path):
    answer = house().ask("GET", path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_page_is_told_what_is_here(house, lib):
    made = house()
    asked = made.ask("GET", "/v1/page").json()
    assert asked["version"] == __version__
    assert (asked["viewer"], asked["missing_command"]) == (False, DOWNLOAD)
    for wanted in FILES:
        (lib / wanted.name).parent.mkdir(parents=True, exist_ok=True)
        (lib / wanted.name).touch()
    assert made.ask("GET", "/v1/page").json()["viewer"] is True


def test_the_page_is_told_who_asks(house):
    def who(made, **how):
        asked = made.ask("GET", "/v1/page", **how).json()
        return [asked[name] for name in ("single_user", "needs_key", "signed_in", "owner")]

    made = house()
    assert who(made) == [True, False, True, "local"]
    key = made.keys.add("alice").text
    assert who(made) == [False, True, False, None]
    assert who(made, key=key) == [False, True, True, "alice"]
    assert who(made, key="vd_wrong") == [False, True, False, None]
    assert made.ask("GET", "/v1/page", key=key).json()["scopes"] == ["jobs:read", "jobs:write"]


def test_the_key_in_an_address_becomes_a_cookie_and_an_address_without_it(house, tmp_path):
    local = LocalKey.of(tmp_path)
    made = house(local=local)
    assert made.ask("GET", "/v1/jobs").status_code == 401
    answer = made.ask("GET", f"/?key={local.text}")
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    name, _, text = answer.headers["set-cookie"].partition(";")[0].partition("=")
    asked = made.ask("GET", "/v1/page", cookies={name: text}).json()
    assert (asked["single_user"], asked["signed_in"], asked["owner"]) == (True, True, "local")
    assert made.ask("GET", "/v1/jobs", cookies={name: text}).status_code == 200


def test_a_wrong_key_in_an_address_leads_to_the_page_without_a_cookie(house, tmp_path):
    answer = house(local=LocalKey.of(tmp_path)).ask("GET", "/?key=vd_app_wrong")
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    assert "set-cookie" not in answer.headers
