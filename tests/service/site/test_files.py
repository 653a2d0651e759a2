"""Which files of a folder are served, and as what."""

import gzip

import pytest

from vistadream.service.site.files import page_file


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "page" / "elements").mkdir(parents=True)
    (tmp_path / "page" / "app.js").write_text("export {};\n" * 100)
    (tmp_path / "page" / "elements" / "a-b.js").write_text("x")
    (tmp_path / "page" / "notes.py").write_text("x")
    (tmp_path / "page" / ".hidden.js").write_text("x")
    (tmp_path / "secret.js").write_text("x")
    (tmp_path / "page" / "link.js").symlink_to(tmp_path / "secret.js")
    return tmp_path / "page"


def test_a_file_has_its_content_and_media_type(folder):
    file = page_file(folder, "app.js")
    assert file.content == gzip.decompress(file.packed) == b"export {};\n" * 100
    assert file.media_type == "text/javascript; charset=utf-8"
    assert page_file(folder, "elements/a-b.js").packed is None, "a short file does not become shorter"


def test_a_changed_file_is_read_again(folder):
    before = page_file(folder, "app.js").digest
    (folder / "app.js").write_text("changed")
    assert page_file(folder, "app.js").digest != before


OUTSIDE = ["../secret.js", "elements/../../secret.js", "/etc/passwd", "link.js"]
NOT_FILES = ["", "elements", "app.js/", "app.js\0", "elements//a-b.js", "./app.js", "missing.js", "app.js/x.js"]


@pytest.mark.parametrize("name", [*OUTSIDE, *NOT_FILES, ".hidden.js", "notes.py"])
def test_nothing_else_is_served(folder, name):
    assert page_file(folder, name) is None
