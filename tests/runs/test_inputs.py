"""What decides a stage's result: its knobs and what its files hold, also when the files are gone."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image

from vistadream.backends.depth.given import GivenDepth
from vistadream.config import configured
from vistadream.core import UserError
from vistadream.runs.folder import RunFolder
from vistadream.runs.inputs import Inputs
from vistadream.sources.image import ImageFile
from vistadream.sources.lens import Lens
from vistadream.sources.several import SeveralPhotos
from vistadream.stages.load import Load
from vistadream.trajectories.custom import Custom

IMAGES = "1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 0.1 0 0 1 b.png\n\n"


@dataclass(frozen=True)
class Walk:
    """A stage that reads a camera path."""

    trajectory: Custom
    rates: dict


def load(path: Path, max_resolution: int = 128) -> Load:
    return Load(ImageFile(path, max_resolution, 8, Lens(None, None, 60.0)))


def walk(path: Path) -> Walk:
    return Walk(Custom(path, "world", 1.0, "photo"), {"means": 0.1})


def fingerprint(stage: object, inputs: Inputs | None = None) -> dict:
    return (inputs or Inputs()).fingerprints({"stage": stage})["stage"]


def photo(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    (folder / "a.png").write_bytes(b"1")
    return folder / "a.png", load


def depth_map(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    (folder / "z.npy").write_bytes(b"1")
    return folder / "z.npy", lambda file: GivenDepth(file, 1.0, None, None)


def mask_of_the_sky(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    depth_map(folder)
    (folder / "sky.png").write_bytes(b"1")
    return folder / "sky.png", lambda file: GivenDepth(file.with_name("z.npy"), 1.0, None, file)


def text_model(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    (folder / "images.txt").write_text(IMAGES)
    return folder / "images.txt", lambda file: walk(file.parent)


def binary_file_of_a_model(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    text_model(folder)
    (folder / "cameras.bin").write_bytes(b"1")
    return folder / "cameras.bin", lambda file: walk(file.parent)


def weights(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    (folder / "text_encoder").mkdir()
    (folder / "text_encoder" / "model.safetensors").write_bytes(b"1")
    (folder / "config.json").write_text("{}")
    klein = configured("backends/text_to_image=flux2_klein")
    return folder / "config.json", lambda file: replace(klein, path=file.parent)


def weights_of_two_folders(folder: Path) -> tuple[Path, Callable[[Path], object]]:
    weights(folder)
    fill = configured("backends/outpaint=flux_fill")
    return folder / "config.json", lambda file: replace(fill, text_path=file.parent)


KINDS = [photo, depth_map, mask_of_the_sky, text_model, binary_file_of_a_model, weights, weights_of_two_folders]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_changed_file_changes_the_fingerprint_and_another_place_does_not(kind: Callable, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    file, part_of = kind(here)
    before = fingerprint(part_of(file))
    shutil.copytree(here, there)
    assert fingerprint(part_of(there / file.name)) == before
    file.write_bytes(file.read_bytes() + b"\n")
    assert fingerprint(part_of(file)) != before


def test_hidden_files_and_models_of_the_table_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    _, part_of = weights(tmp_path / "weights")
    before = fingerprint(part_of(tmp_path / "weights" / "config.json"))
    (tmp_path / "weights" / ".cache").mkdir()
    (tmp_path / "weights" / ".cache" / "config.json.metadata").write_text("downloaded today")
    assert fingerprint(part_of(tmp_path / "weights" / "config.json")) == before
    assert fingerprint(configured("backends/text_to_image=flux2_klein"))["stage"]["inputs"] == []


def test_a_changed_knob_changes_the_fingerprint(tmp_path: Path) -> None:
    file, _ = photo(tmp_path)
    assert fingerprint(load(file)) != fingerprint(load(file, 256))
    text_model(tmp_path)
    step = walk(tmp_path)
    assert fingerprint(step) != fingerprint(replace(step, rates={"means": 0.2}))
    assert fingerprint(step) != fingerprint(replace(step, trajectory=replace(step.trajectory, scale=2.0)))


def test_a_fingerprint_is_plain_values_without_paths(tmp_path: Path) -> None:
    file, _ = photo(tmp_path)
    assert str(tmp_path) not in json.dumps(fingerprint(load(file)))


def test_a_copy_stands_in_for_a_camera_folder_that_is_gone(tmp_path: Path) -> None:
    model, folder = tmp_path / "model", RunFolder.make(tmp_path / "run")
    model.mkdir()
    text_model(model)
    assert folder.at_hand(model) == model
    before = fingerprint(walk(model))
    folder.keep_input(model)
    shutil.rmtree(model)
    copy = folder.at_hand(model)
    assert copy != model
    assert fingerprint(walk(copy)) == before


def test_a_file_that_is_gone_is_an_error_unless_an_earlier_session_knew_it(tmp_path: Path) -> None:
    file, _ = photo(tmp_path)
    first, folder = Inputs(), RunFolder(tmp_path)
    before = fingerprint(load(file), first)
    folder.run_json.write_text(json.dumps({"inputs": first.digests}))
    file.unlink()
    assert fingerprint(load(file), Inputs.of(folder)) == before
    with pytest.raises(UserError, match=r"no such input: .*a\.png; wanted"):
        fingerprint(load(file))


@pytest.mark.parametrize("named", ["", "a.png,{0}/b.png", "clip.gif"])
def test_photos_that_are_gone_are_an_error_unless_an_earlier_session_knew_them(named: str, tmp_path: Path) -> None:
    place = tmp_path / "photos"
    place.mkdir()
    a, b = (Image.new("RGB", (8, 8), color) for color in ("red", "blue"))
    a.save(place / "a.png")
    b.save(place / "b.png")
    a.save(place / "clip.gif", save_all=True, append_images=[b])
    words = f"{place}/{named.format(place)}"
    stage = Load(SeveralPhotos(Path(words), "auto", 60, 2, 128, 8, Lens(None, None, 60.0)))
    first, folder = Inputs(), RunFolder(tmp_path)
    before = fingerprint(stage, first)
    folder.run_json.write_text(json.dumps({"inputs": first.digests}))
    shutil.rmtree(place)
    assert fingerprint(stage, Inputs.of(folder)) == before
    with pytest.raises(UserError, match=r"wanted"):
        fingerprint(stage)


def test_a_file_that_may_not_be_read_is_an_error_unless_it_is_known(tmp_path: Path, monkeypatch) -> None:
    file, _ = photo(tmp_path)
    known = Inputs()
    before = fingerprint(load(file), known)

    def locked(_: Path) -> str:
        raise PermissionError

    monkeypatch.setattr("vistadream.runs.inputs.digest_of", locked)
    assert fingerprint(load(file), known) == before
    with pytest.raises(PermissionError):
        fingerprint(load(file))


@pytest.mark.parametrize("facts", ["", "[]", '{"inputs": 3}', "{}"])
def test_a_run_without_digests_knows_none(facts: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(facts)
    assert Inputs.of(RunFolder(tmp_path)).digests == {}


@dataclass(frozen=True)
class Secretive:
    """Reads a file without saying so."""

    path: Path


@pytest.mark.parametrize("part", [Secretive(Path("a")), {"a": [Secretive(Path("a"))]}])
def test_a_part_with_a_path_must_say_what_it_reads(part: object) -> None:
    with pytest.raises(TypeError, match="wanted the files that it reads"):
        fingerprint(part)


def test_an_object_of_a_program_counts_by_its_class_and_what_it_says_of_itself() -> None:
    assert fingerprint({"model": complex(1, 2)}) == fingerprint({"model": complex(1, 2)})
    assert fingerprint({"model": complex(1, 2)}) != fingerprint({"model": complex(1, 3)})
    assert fingerprint({"model": range(3)}) != fingerprint({"model": slice(0, 3)})
