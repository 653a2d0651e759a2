"""`vistadream models` and `vistadream download`: what they print, refuse and return."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vistadream.backends.weights import store
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.table import MODELS, PROFILES
from vistadream.commands import models as commands
from vistadream.commands.main import main


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list:
    """What is asked to be downloaded; nothing is."""
    asked: list = []
    monkeypatch.setattr(store, "download", lambda *of: (asked.append(of), Path("/there"))[1])
    return asked


def test_the_table_has_every_model_with_its_license_and_size(capsys: pytest.CaptureFixture) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for model in MODELS.values():
        (row,) = [line for line in lines if line.split()[:2] == [model.name, model.role]]
        assert model.license.name in row
        assert f"{model.bytes_about / 1e9:.1f} GB" in row
        assert row.rstrip().endswith("no")
    for name, members in PROFILES.items():
        assert any(line.startswith(f"profile {name}: {', '.join(members)}") for line in lines)


def test_what_is_here_is_listed_with_its_folder(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    folder = Path("/a [b]/" + "very long " * 20)
    monkeypatch.setattr(store, "find", lambda model: folder if model.name == "da3-small" else None)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"da3-small: {folder}" in lines
    assert [line.split()[0] for line in lines if line.rstrip().endswith(" yes")] == ["da3-small"]


def test_json_is_for_programs(capsys: pytest.CaptureFixture) -> None:
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in rows} == set(MODELS)
    fill = next(row for row in rows if row["name"] == "flux-fill")
    assert (fill["commercial"], fill["gated"], fill["path"]) == (False, True, None)
    assert fill["memory_gb_about"]["low"] < 12 < fill["memory_gb_about"]["balanced"] < 24


@pytest.mark.parametrize("words", [["models"], ["download", "gpu", "--dry-run"]])
def test_the_commands_start_without_torch_and_without_the_extra(words: list[str]) -> None:
    code = (
        f"import sys; from vistadream.commands.main import main; main({words!r}); "
        "heavy = {'torch', 'huggingface_hub', 'httpx', 'filelock'} & set(sys.modules); sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_profile_is_its_models_each_once(fetched: list, tmp_path: Path) -> None:
    assert main(["download", "gpu", "blip-base", "--dest", str(tmp_path), "--source", "hub"]) == 0
    assert [model.name for model, *_ in fetched] == list(PROFILES["gpu"])
    assert {of[1:] for of in fetched} == {(tmp_path, "hub")}


def test_what_only_the_hub_has_is_asked_for_before_what_a_mirror_has_too(fetched: list) -> None:
    assert main(["download", "flux-fill", "flux-text", "--accept-noncommercial"]) == 0
    assert [model.name for model, *_ in fetched] == ["flux-text", "flux-fill"]


def test_a_dry_run_says_it_and_fetches_nothing(fetched: list, capsys: pytest.CaptureFixture) -> None:
    assert main(["download", "cpu-depth", "--dry-run"]) == 0
    assert "moge-2-vits-normal (MIT): to fetch, about 0.1 GB" in capsys.readouterr().out
    assert fetched == []


BAD = [
    (["gpux"], "did you mean gpu?"),
    (["zzz"], "see `vistadream models`"),
    ([], "required"),
    (["gpu", "--fast"], "--help"),
    (["blip-base", "flux-fill"], "--accept-noncommercial"),
    (
        ["gpu-flux-fill", "--accept-noncommercial", "--source", "modelscope"],
        "moge-2-vitl-normal, flux-text, blip-base: not available from 'modelscope', which has flux-fill; wanted",
    ),
    (["blip-base", "--source", "elsewhere"], "blip-base: not available from 'elsewhere', which has no model"),
]


@pytest.mark.parametrize(("words", "says"), BAD, ids=[" ".join(words) or "nothing" for words, _ in BAD])
def test_bad_words_are_one_sentence_and_exit_code_2(words, says, fetched: list, capsys) -> None:
    assert main(["download", *words]) == 2
    errors = capsys.readouterr().err
    assert says in errors
    assert len(errors.splitlines()) == 1
    assert fetched == [], "nothing is fetched before all is known to be right"


def test_one_that_fails_does_not_keep_the_others_back(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    asked = []

    def download(model, dest, source):
        asked.append(model.name)
        if model.name == "blip-base":
            raise DownloadError("the server answered 503")
        return Path("/there")

    monkeypatch.setattr(store, "download", download)
    assert main(["download", "blip-base", "da3-small"]) == 3
    out, err = capsys.readouterr()
    assert asked == ["blip-base", "da3-small"]
    assert "the server answered 503" in out
    assert "blip-base: not fetched" in err
    assert "da3-small:" in out


def test_a_stopped_download_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "download", stop)
    assert main(["download", "blip-base"]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_the_viewer_of_the_page_is_fetched_too(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(commands, "LIB", tmp_path)
    monkeypatch.setattr(commands, "fetch_viewer", lambda folder: [folder / "viewer.js"])
    assert main(["download", "viewer"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'viewer.js'}\n"


def test_a_viewer_that_cannot_be_had_ends_as_a_failed_download(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(commands, "LIB", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["download", "viewer"]) == 3
    assert "no npm" in capsys.readouterr().err
