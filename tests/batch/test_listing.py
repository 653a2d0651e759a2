"""What images= may name, and what is said of everything else."""

import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from vistadream.assets import sample_image
from vistadream.batch.listing import named_in
from vistadream.batch.remote import version_of
from vistadream.core import UserError


def names(images: object) -> list[str]:
    return [named.name for named in named_in(str(images))]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("b.png", "a.JPG", "deep/c.webp", "deep/er/d.tif", ".hidden.png", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_folder_with_those_below(photos: Path) -> None:
    (photos / "deep" / "circle").symlink_to(photos)
    assert names(photos) == [f"{photos}/{name}" for name in ("a.JPG", "b.png", "deep/c.webp", "deep/er/d.tif")]


def test_a_pattern(photos: Path) -> None:
    assert names(photos / "**" / "*.tif") == [f"{photos}/deep/er/d.tif"]
    assert names(photos / "?.*") == [f"{photos}/a.JPG", f"{photos}/b.png"]


def test_a_text_file(photos: Path) -> None:
    file = photos / "list.txt"
    file.write_text("\ufeffdeep/c.webp\n\n  a.JPG  \n")
    assert names(file) == [f"{photos}/deep/c.webp", f"{photos}/a.JPG"]


def test_a_manifest(photos: Path) -> None:
    file = photos / "all.jsonl"
    lines = [{"image": "b.png", "id": "chair", "knobs": {"seed": 3}}, {"image": str(photos / "a.JPG")}]
    file.write_text("\n".join(map(json.dumps, lines)))
    found = list(named_in(str(file)))
    assert [(each.name, each.label, each.knobs) for each in found] == [
        (f"{photos}/b.png", "chair", {"seed": 3}),
        (f"{photos}/a.JPG", None, {}),
    ]


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_an_archive(tmp_path: Path, suffix: str) -> None:
    file, content = tmp_path / f"photos{suffix}", sample_image().read_bytes()
    if suffix == ".zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("in/a.png", content)
            archive.writestr("readme.txt", "no picture")
    else:
        with tarfile.open(file, "w:gz" if suffix.endswith("gz") else "w") as archive:
            for name, data in (("in/a.png", content), ("readme.txt", b"no picture")):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    for named in named_in(str(file)):
        assert named.name == f"{file}!in/a.png"
        assert named.version == version_of(str(file))
        named.unpack(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == content


def of_bad_lists() -> dict[str, tuple[str, bytes, str]]:
    return {
        "missing line": ("x.txt", b"a.JPG\ngone.jpg\n", "line 2 names 'gone.jpg', which is not there"),
        "no text": ("x.txt", b"\xff\xfe\x00\xff", "not text in UTF-8"),
        "no JSON": ("x.jsonl", b'{"image": "a.JPG"}\nnot\n', "line 2 is not JSON"),
        "no image": ("x.jsonl", b'{"id": "a"}', 'line 1 has no "image"'),
        "odd key": ("x.jsonl", b'{"image": "a.JPG", "seed": 1}', "the key 'seed'"),
        "odd type": ("x.jsonl", b'{"image": "a.JPG", "knobs": 3}', "got another type"),
        "ids alike": ("x.jsonl", b'{"image": "a.JPG", "id": "x"}\n{"image": "b.png", "id": "x"}', "lines 1 and 2"),
        "no zip": ("x.zip", b"not a zip", "cannot be read"),
        "no tar": ("x.tar", b"not a tar", "cannot be read"),
        "a picture": ("x.png", b"", "is one picture"),
    }


@pytest.mark.parametrize(("name", "content", "said"), of_bad_lists().values(), ids=of_bad_lists())
def test_bad_lists_get_one_sentence(photos: Path, name: str, content: bytes, said: str) -> None:
    (photos / name).write_bytes(content)
    with pytest.raises(UserError, match="wanted") as caught:
        names(photos / name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone is not there; wanted a folder"):
        names(tmp_path / "gone")


@pytest.mark.parametrize("member", ["../out.png", "/etc/a.png", "link.png"])
def test_members_of_a_tar_that_lead_elsewhere(tmp_path: Path, member: str) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        info = tarfile.TarInfo(member)
        if member == "link.png":
            info.type = tarfile.SYMTYPE
        archive.addfile(info)
    with pytest.raises(UserError, match="wanted a tar of pictures"):
        names(tmp_path / "x.tar")
    assert os.listdir(tmp_path) == ["x.tar"]


def test_members_of_a_zip_that_lead_elsewhere(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("../out.png", b"x")
    with pytest.raises(UserError, match="leads out of the zip"):
        names(tmp_path / "x.zip")
