"""Files that a run reads are known by their digests, also when they are gone."""

import json
import shutil
from pathlib import Path

import pytest

from vistadream.config import compose
from vistadream.inputs import Inputs
from vistadream.runs.folder import RunFolder

IMAGES = "1 1 0 0 0 0 0 0 1 a.png\n\n2 1 0 0 0 0.1 0 0 1 b.png\n\n"


def test_a_copy_stands_in_for_a_camera_folder_that_is_gone(tmp_path: Path) -> None:
    model, folder = tmp_path / "model", RunFolder.make(tmp_path / "run")
    model.mkdir()
    (model / "images.txt").write_text(IMAGES)
    words = ["trajectory=custom", f"trajectory.path={model}"]

    first = Inputs.of(None)
    assert first.stand_in(words, None) == words
    composed = compose(words)
    before = first.fingerprints(composed, ["coarse"])
    assert first.cameras(composed) == [model]
    folder.keep_input(model)
    folder.run_json.write_text(json.dumps({"inputs": first.digests}))
    shutil.rmtree(model)

    again = Inputs.of(folder)
    found = again.stand_in(words, folder)
    assert found != words
    assert again.fingerprints(compose(found), ["coarse"]) == before
    assert again.cameras(compose(found)) == []


def test_a_file_that_may_not_be_read_is_an_error_unless_it_is_known(tmp_path: Path, monkeypatch) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"1")
    composed = compose([f"image={picture}"])
    known = Inputs()
    before = known.fingerprints(composed, ["load"])

    def locked(_: Path) -> str:
        raise PermissionError

    monkeypatch.setattr("vistadream.inputs.sha256_of", locked)
    assert known.fingerprints(composed, ["load"]) == before
    with pytest.raises(PermissionError):
        Inputs().fingerprints(composed, ["load"])


@pytest.mark.parametrize("facts", ["", "[]", '{"inputs": 3}', "{}"])
def test_a_run_without_digests_knows_none(facts: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(facts)
    assert Inputs.of(RunFolder(tmp_path)).digests == {}
