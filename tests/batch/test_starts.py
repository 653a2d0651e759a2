"""No folder is taken for that of another batch, and nothing in it is touched when it is refused."""

import json
from pathlib import Path

import pytest

from vistadream.batch.folder import BatchFolder
from vistadream.batch.recipes import Recipes
from vistadream.batch.starts import check_places, check_start, note_start, starts_of
from vistadream.batch.words import knobs_of
from vistadream.core import UserError


@pytest.fixture(scope="module")
def recipes() -> Recipes:
    return Recipes(["stage=no-outpaint"])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos" / "inner").mkdir(parents=True)
    return tmp_path / "photos"


def places(images: object, out: object) -> str:
    return check_places(knobs_of([f"images={images}", f"out={out}"])[0])


def test_images_become_absolute(photos, monkeypatch):
    monkeypatch.chdir(photos.parent)
    assert places("photos", "scenes") == str(photos)


@pytest.mark.parametrize(
    ("out", "said"), [("photos/scenes", "inside"), ("photos/inner", "inside"), ("photos", "images")]
)
def test_out_among_the_images_is_refused(photos, out, said):
    with pytest.raises(UserError, match=f"{said}.*wanted"):
        places(photos, photos.parent / out)


def test_out_that_leads_back_to_the_images_by_a_link_is_refused(photos):
    (photos.parent / "link").symlink_to(photos)
    with pytest.raises(UserError, match="wanted"):
        places(photos, photos.parent / "link" / "scenes")


@pytest.mark.parametrize("out", ["s3://bucket/photos", "s3://bucket/photos/scenes/"])
def test_out_among_images_behind_a_url_is_refused(out):
    with pytest.raises(UserError, match="wanted"):
        places("s3://bucket/photos/", out)


def test_images_behind_a_url_stay_as_they_are():
    assert places("s3://bucket/photos", "s3://bucket/photos-made") == "s3://bucket/photos"


def test_out_that_is_a_file_is_refused_and_kept(photos):
    file = photos.parent / "scenes"
    file.write_text("mine")
    with pytest.raises(UserError, match="is a file; wanted a folder"):
        places(photos, file)
    assert file.read_text() == "mine"


def test_no_images(photos):
    with pytest.raises(UserError, match="there are no images; wanted"):
        check_places(knobs_of([f"out={photos.parent / 'scenes'}"])[0])


def test_the_same_start_again_is_noted_once(tmp_path, recipes):
    folder = BatchFolder(tmp_path / "scenes")
    folder.root.mkdir()
    for _ in range(2):
        check_start(folder, "/photos", recipes, add=False)
        note_start(folder, "/photos", recipes, "local")
    assert len(starts_of(folder)) == 1


def test_another_batch_is_refused_unless_its_scenes_are_added(tmp_path, recipes):
    folder = BatchFolder(tmp_path / "scenes")
    folder.root.mkdir()
    note_start(folder, "/photos", recipes, "local")
    before = folder.batch_json.read_bytes()
    with pytest.raises(UserError, match=r"other knobs or images; wanted .*batch\.add=true"):
        check_start(folder, "/other", recipes, add=False)
    assert folder.batch_json.read_bytes() == before
    check_start(folder, "/other", recipes, add=True)
    note_start(folder, "/other", recipes, "local")
    assert [start["images"] for start in starts_of(folder)] == ["/photos", "/other"]
    check_start(folder, "/photos", recipes, add=False)


def test_a_folder_of_other_files_is_refused(tmp_path, recipes):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="holds other files; wanted"):
        check_start(BatchFolder(tmp_path), "/photos", recipes, add=True)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"starts": [3]}'])
def test_a_batch_json_that_is_not_whole_is_refused_and_kept(tmp_path, recipes, content):
    folder = BatchFolder(tmp_path)
    folder.batch_json.write_text(content)
    with pytest.raises(UserError, match=r"cannot be read.*wanted a whole one"):
        check_start(folder, "/photos", recipes, add=False)
    assert folder.batch_json.read_text() == content


def test_what_is_noted_says_the_words_of_the_runs(tmp_path, recipes):
    folder = BatchFolder(tmp_path)
    note_start(folder, "/photos", recipes, "local")
    (start,) = json.loads(folder.batch_json.read_text())["starts"]
    assert "stage=no-outpaint" in start["words"][0]
