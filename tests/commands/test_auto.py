"""`vistadream auto`: one picture is the work of single-img, everything else that of multi-img."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from vistadream.commands.auto import choose_job
from vistadream.commands.main import main


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "two photos"
    folder.mkdir()
    for i in range(2):
        noise = np.random.default_rng(i).integers(0, 255, (96, 128, 3), np.uint8)
        Image.fromarray(noise).save(folder / f"{i}.png")
    return folder


def test_several_pictures_are_the_work_of_multi_img(photos: Path, capsys) -> None:
    words = [f"input={photos}", "seed=3"]
    assert choose_job(words) == ("multi_img", words)
    assert capsys.readouterr().out == f"2 pictures in {photos}: vistadream multi-img\n"


def test_one_picture_is_the_work_of_single_img(photos: Path, capsys) -> None:
    job, words = choose_job([f"+input={photos / '1.png'}", "seed=3"])
    assert (job, words) == ("single_img", [f"image={photos / '1.png'}", "seed=3"])
    assert capsys.readouterr().out.endswith(": vistadream single-img\n")
    assert choose_job(["image=x.png"]) == ("single_img", ["image=x.png"])


def test_results_have_the_names_of_depth_anything_too(photos: Path) -> None:
    def results(word: str) -> str:
        return choose_job([f"input={photos}", word])[1][1]

    assert results("export=glb-npz") == "export=[point_cloud,npz]"
    assert results("export_format=mini_npz-gs_ply") == "export=[mini_npz,ply]"
    assert results("export=[npz]") == "export=[npz]"
    assert results("export=feat_vis-glb") == "export=[feat_vis,point_cloud]"


def test_features_are_a_result_of_depth_anything_alone(photos: Path, capsys) -> None:
    words = [
        "auto",
        f"input={photos}",
        "export=feat_vis",
        "stage=register",
        f"out={photos.parent / 'out'}",
        "rerun.mode=off",
    ]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "export.feat_vis: no backend of this run shows features" in said
    assert "backends/multi_depth=depth_anything" in said
    assert not (photos.parent / "out").exists()


def test_bad_input_is_one_sentence(tmp_path: Path, capsys) -> None:
    assert main(["auto"]) == 2
    assert "auto needs an input" in capsys.readouterr().err
    assert main(["auto", f"input={tmp_path / 'nothing'}"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_configuration_of_what_was_chosen_can_be_printed(photos: Path, capsys) -> None:
    assert main(["auto", f"input={photos}", "--cfg"]) == 0
    configuration = capsys.readouterr().out.partition("\n")[2]
    assert yaml.safe_load(configuration)["input"] == str(photos)
