"""What one asks of a batch by `vistadream batch status|retry|quarantine|report`, and what is refused."""

import json
import subprocess
import sys

import pytest

from vistadream.batch.look import ask
from vistadream.commands.main import main


def said(capsys, *words) -> str:
    assert main(["batch", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_status_says_the_counts(made_batch, capsys):
    made_batch.publish(1)
    made_batch.plan(items=2)
    out = said(capsys, "status", made_batch.folder.root)
    assert "2 items; 1 published, 0 given up, 1 left" in out


def test_quarantine_lists_each_sentence_and_the_way_on(made_batch, capsys):
    id = made_batch.give_up(1, "it is no picture; wanted one", "photos/bad.jpg")
    out = said(capsys, "quarantine", made_batch.folder.root)
    assert id in out
    assert "photos/bad.jpg: it is no picture; wanted one" in out
    assert f"vistadream batch retry {made_batch.folder.root}" in out


def test_retry_has_those_that_are_named_tried_again_and_else_all(made_batch, capsys):
    one, *others = (made_batch.give_up(n, "no; wanted another") for n in range(3))
    assert said(capsys, "retry", made_batch.folder.root, one).startswith("1 ")
    left = sorted(file.stem for file in made_batch.folder.quarantine.glob("*.json"))
    assert left == sorted(others)
    assert said(capsys, "retry", made_batch.folder.root).startswith("2 ")
    assert not list(made_batch.folder.quarantine.glob("*.json"))


def test_retry_of_what_was_not_given_up_changes_nothing(made_batch, capsys):
    one = made_batch.give_up(1, "no; wanted another")
    assert main(["batch", "retry", str(made_batch.folder.root), one, "other"]) == 2
    assert "other is not in quarantine" in capsys.readouterr().err
    assert made_batch.folder.quarantined(one).exists()


def test_report_writes_both_files(made_batch, capsys):
    made_batch.publish(1)
    made_batch.plan(items=1)
    assert said(capsys, "report", made_batch.folder.root).strip() == str(made_batch.folder.report_html)
    assert json.loads(made_batch.folder.report_json.read_text())["published"] == 1


@pytest.mark.parametrize("question", ["status", "retry", "quarantine", "report"])
def test_another_folder_is_refused_and_left_as_it_is(tmp_path, capsys, question):
    (tmp_path / "notes.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "missing"):
        assert main(["batch", question, str(folder)]) == 2
        assert "wanted the folder of a batch" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("words", [[], ["out=scenes"]])
def test_a_question_without_a_folder_says_what_is_wanted(words, capsys):
    assert main(["batch", "status", *words]) == 2
    assert "vistadream batch status OUT" in capsys.readouterr().err


def test_a_word_too_many_is_refused(made_batch, capsys):
    assert main(["batch", "status", str(made_batch.folder.root), "fast=true"]) == 2
    assert "fast=true" in capsys.readouterr().err


def test_asking_imports_no_torch(made_batch):
    code = "import sys; from vistadream.batch.look import ask; ask('status', sys.argv[1:])(); assert 'torch' not in "
    code += "sys.modules"
    subprocess.run([sys.executable, "-c", code, made_batch.folder.root], check=True, capture_output=True)
    assert callable(ask("status", [str(made_batch.folder.root)]))


def test_a_batch_in_an_object_store_is_asked_by_its_url(made_batch, tmp_path, monkeypatch, capsys):
    fsspec = pytest.importorskip("fsspec", reason="fsspec, of the extra `cloud`, reads object stores")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made_batch.publish(1)
    bad = made_batch.give_up(2, "no; wanted another")
    store, url = fsspec.filesystem("memory"), f"memory://{tmp_path.name}"
    store.put(f"{made_batch.folder.root}/", f"/{tmp_path.name}/", recursive=True)
    assert "1 published, 1 given up" in said(capsys, "status", url)
    said(capsys, "report", url)
    assert store.exists(f"/{tmp_path.name}/report.html")
    said(capsys, "retry", url, bad)
    assert not store.exists(f"/{tmp_path.name}/quarantine/{bad}.json")
