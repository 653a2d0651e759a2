"""The files of the viewer: those of the table by their digests, or none, with a sentence."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from vistadream.service.site import viewer
from vistadream.service.site.viewer import ViewerError, Wanted, fetch_viewer, is_complete

CONTENTS = {"dist/viewer.js": b"export {};", "LICENSE": b"MIT"}


@pytest.fixture
def table(monkeypatch):
    """A table of two files of a small package."""
    package = viewer.Package("@a/b", "1.0.0")
    files = tuple(
        Wanted(member.lower().replace("dist/", "x/"), package, member, hashlib.sha512(content).hexdigest())
        for member, content in CONTENTS.items()
    )
    monkeypatch.setattr(viewer, "FILES", files)
    return files


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Makes a program `npm` that leaves an archive with these members, or does what a script says."""

    def make(members: dict[str, bytes] | None = None, script: str | None = None) -> None:
        archive = tmp_path / "a-b-1.0.0.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, content in (members or {}).items():
                about = tarfile.TarInfo(f"package/{name}")
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho $@ >> {tmp_path}/asked\n{script or f'cp {archive} .'}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return make


def test_the_files_are_taken_by_npm_once(table, npm, tmp_path):
    npm(CONTENTS | {"other.js": b"x"})
    folder = tmp_path / "lib"
    assert not is_complete(folder)
    assert {path.relative_to(folder) for path in fetch_viewer(folder)} == {Path("x/viewer.js"), Path("license")}
    assert is_complete(folder)
    assert (folder / "x" / "viewer.js").read_bytes() == CONTENTS["dist/viewer.js"]
    assert fetch_viewer(folder) == []
    assert len((tmp_path / "asked").read_text().splitlines()) == 1


@pytest.mark.parametrize("members", [CONTENTS | {"LICENSE": b"another"}, {"LICENSE": b"MIT"}, {}])
def test_another_content_is_refused_and_nothing_is_written(table, npm, tmp_path, members):
    npm(members)
    with pytest.raises(ViewerError):
        fetch_viewer(tmp_path / "lib")
    assert not (tmp_path / "lib").exists()


def test_a_failure_of_npm_is_said(table, npm, tmp_path):
    npm(script="echo 'npm ERR! network' >&2; exit 1")
    with pytest.raises(ViewerError, match="npm ERR! network"):
        fetch_viewer(tmp_path / "lib")


def test_no_npm_is_said(table, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ViewerError, match="no npm"):
        fetch_viewer(tmp_path / "lib")


def test_the_table_has_the_files_that_the_page_imports_and_both_licenses():
    names = [wanted.name for wanted in viewer.FILES]
    assert len(names) == len(set(names)) == 7
    assert sum(name.endswith("LICENSE.txt") for name in names) == 2
    assert all(len(wanted.sha512) == 128 for wanted in viewer.FILES)
