"""What a path is, is told by what is there; one word names it, and what cannot be used is one sentence."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vistadream.core import UserError
from vistadream.sources.recognize import recognize


def nerfstudio(folder: Path) -> None:
    (folder / "transforms.json").write_text("{}")


def colmap(folder: Path) -> None:
    (folder / "sparse" / "0").mkdir(parents=True)
    for name in ("cameras.txt", "images.txt"):
        (folder / "sparse" / "0" / name).write_text("")


def fastgs(folder: Path) -> None:
    (folder / "meta.json").write_text("{}")


def test_cameras_come_before_bare_pictures_and_the_rest_is_named(tmp_path: Path, folder_of) -> None:
    folder_of(tmp_path, "a.png", "b.png")
    assert recognize(tmp_path).kind == "images"
    for make in (colmap, nerfstudio, fastgs):
        make(tmp_path)
        assert recognize(tmp_path).kind == make.__name__
    assert len(recognize(tmp_path).also) == 3
    for kind in ("images", "colmap", "nerfstudio", "fastgs"):
        found = recognize(tmp_path, kind)
        assert (found.kind, found.place) == (kind, tmp_path)
        assert str(tmp_path) in found.words


def test_what_was_taken_is_said(tmp_path: Path, folder_of, source, heard) -> None:
    folder_of(tmp_path, "a.png", "b.png")
    colmap(tmp_path)
    heard.of(source(tmp_path, kind="images"))
    assert heard.lines[0] == (
        f"taken: 2 pictures in {tmp_path}; the input also holds a COLMAP model in {tmp_path}: source.kind chooses"
    )


def test_one_picture_is_single(tmp_path: Path, folder_of) -> None:
    folder = folder_of(tmp_path / "one", "a.png")
    for named in (folder, folder / "a.png", f"{folder}/*"):
        assert recognize(named).is_single
        assert recognize(named).pictures == (folder / "a.png",)
    folder_of(folder, "a.png", "b.png")
    assert not recognize(folder).is_single


def test_a_picture_of_several_frames_is_a_video_only_where_these_move(tmp_path: Path, photo) -> None:
    frames = [photo(i * 20) for i in range(3)]
    for suffix, kind in {"gif": "video", "webp": "video", "png": "video", "tiff": "images"}.items():
        file = tmp_path / f"a.{suffix}"
        frames[0].save(file, save_all=True, append_images=frames[1:])
        assert recognize(file).kind == kind
        frames[0].save(file)
        assert recognize(file).kind == "images"


def test_a_picture_is_known_by_what_it_holds(tmp_path: Path, photo) -> None:
    photo().save(tmp_path / "a", "JPEG")
    assert recognize(tmp_path / "a").is_single


BAD = {
    "absent": ("no", r"no such input: .*no; wanted"),
    "empty": ("empty", r"empty holds no pictures; wanted a folder with two pictures or more"),
    "deep": ("deep", r"deep holds no pictures \(subfolders are not searched\); wanted .*, such as .*deep/images"),
    "text": ("text/a.txt", r"a\.txt is neither a picture nor a video that can be read; wanted"),
    "pattern": ("text/*.jpg", r"no file matches .*text/\*\.jpg; wanted a pattern"),
    "list": ("text/a.txt,{0}/text/no.jpg", r"no such input: .*no\.jpg"),
    "folders": ("deep,{0}/empty", r"a list that holds the folder .*deep; wanted"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, kind: str, folder_of) -> None:
    (tmp_path / "empty").mkdir()
    folder_of(tmp_path / "deep" / "images", "a.png", "b.png")
    folder_of(tmp_path / "deep" / "depths", "a.png", "b.png")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("words")
    named, wanted = BAD[kind]
    with pytest.raises(UserError, match=wanted) as caught:
        recognize(f"{tmp_path}/{named.format(tmp_path)}")
    assert "\n" not in str(caught.value)


def test_a_web_address_is_not_read() -> None:
    with pytest.raises(
        UserError, match=r"http://example\.org/a\.mp4 is a web address; wanted a file: download it first"
    ):
        recognize("http://example.org/a.mp4")


@pytest.mark.parametrize("named", [None, "", "[]", " , "])
def test_no_input_is_asked_for(named) -> None:
    with pytest.raises(UserError, match="input= names nothing; wanted input=PATH"):
        recognize(named)


def test_a_kind_that_is_not_there_is_refused(tmp_path: Path, folder_of) -> None:
    folder = folder_of(tmp_path, "a.png", "b.png")
    for kind in ("colmap", "nerfstudio", "fastgs", "video"):
        with pytest.raises(UserError, match=f"is nothing for source.kind={kind}; wanted"):
            recognize(folder, kind)
        with pytest.raises(UserError, match=f"names 2 files; wanted one path for source.kind={kind}"):
            recognize(f"{folder}/*.png", kind)
        with pytest.raises(UserError, match=rf"a\.png is nothing for source.kind={kind}; wanted"):
            recognize(folder / "a.png", kind)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UserError, match=r"pipe\.jpg is neither a picture nor a video"):
        recognize(tmp_path / "pipe.jpg")


def test_a_folder_of_depth_maps_alone_is_taken_as_it_is(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(np.ones((20, 20), np.uint16)).save(tmp_path / name)
    assert len(recognize(tmp_path).pictures) == 2
