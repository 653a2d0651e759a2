"""How many workers are chosen: by what is measured, within the memory, and only among equal scenes."""

import json
from dataclasses import replace

import pytest

from vistadream.commands.main import main
from vistadream.workers import tuning
from vistadream.workers.tuning import Measured, Option, choose, kept_choice, measure, options, tuned

GB = 10**9


def measured_as(**jobs_per_hour):
    """A measurement whose figures are given, by the number of workers: w1=100, w2=150."""
    return lambda option: Measured(option, jobs_per_hour[f"w{option.workers}"], GB, "same")


def chosen(measure, cores=4, free_bytes=100 * GB):
    return choose(options(cores), measure, free_bytes, lambda line: None)


@pytest.mark.parametrize(("cores", "workers"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 6]), (8, [1, 2, 4, 8]), (7, [1, 7])])
def test_the_cores_are_shared_evenly(cores, workers):
    assert [option.workers for option in options(cores)] == workers
    assert all(option.workers * option.threads == cores for option in options(cores))


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ({"w1": 100, "w2": 150, "w4": 149}, 2),
        ({"w1": 100, "w2": 150, "w4": 160}, 4),
        ({"w1": 100, "w2": 60, "w4": 20}, 1),
    ],
)
def test_most_jobs_an_hour_win(figures, best):
    assert chosen(measured_as(**figures)).best == Option(best, 4 // best)


def test_more_workers_have_to_be_clearly_faster():
    assert chosen(measured_as(w1=100, w2=102, w4=102.5)).best.workers == 1


def test_what_does_not_fit_the_memory_is_not_tried():
    asked = []

    def measure(option):
        asked.append(option.workers)
        return measured_as(w1=100, w2=150, w4=300)(option)

    choice = chosen(measure, free_bytes=3 * GB)
    assert (asked, choice.best.workers) == ([1, 2], 2)
    assert choice.left_out == ["4 workers with 1 thread each: takes 4.0 GB of memory, and 3.0 GB are there for it"]


def test_an_option_that_changes_a_byte_is_left_out():
    def measure(option):
        found = measured_as(w1=100, w2=150, w4=300)(option)
        return replace(found, digest="other") if option.workers == 4 else found

    choice = chosen(measure)
    assert choice.best.workers == 2
    assert choice.left_out == ["4 workers with 1 thread each: other bytes"]
    assert len(choice.measured) == 3


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tuning.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(tuning, "measure", measured_as(w1=100, w2=150))
    return tmp_path


def test_a_choice_is_kept_until_machine_or_versions_change(home, monkeypatch):
    assert kept_choice() is None
    first = tuned(lambda line: None)
    assert first.best == Option(2, 1)
    assert kept_choice() == first
    monkeypatch.setattr(tuning, "measure", measured_as(w1=100, w2=50))
    assert tuned(lambda line: None) == first
    assert tuned(lambda line: None, anew=True).best == Option(1, 2)
    monkeypatch.setattr(tuning, "__version__", "another")
    assert kept_choice() is None


@pytest.mark.parametrize("text", ["", "[]", '{"best": 3}', '{"best": {"workers": 2}, "measured": [], "left_out": []}'])
def test_a_damaged_choice_is_none(text, home):
    tuned(lambda line: None)
    tuning.kept_at().write_text(text)
    assert kept_choice() is None


def test_one_core_leaves_nothing_to_choose(home, monkeypatch):
    monkeypatch.setattr(tuning.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert tuned(lambda line: None) is None
    assert not list(home.rglob("*.json"))


def test_the_command_says_what_it_measures_and_what_it_keeps(home, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert main(["tune"]) == 0
    said = capsys.readouterr()
    assert "2 workers with 1 thread each: 150 jobs an hour" in said.err
    assert said.out.startswith("best: workers=2")
    assert main(["tune", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"] == {"workers": 2, "threads": 1}
    assert [each["jobs_per_hour"] for each in found["measured"]] == [100, 150]
    assert found["facts"]["cores"] == 2
    assert main(["tune", "--jsno"]) == 2
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")
    assert main(["tune"]) == 2
    assert "GPU" in capsys.readouterr().err


def test_real_workers_give_the_same_scene_with_any_number_of_threads():
    """Two measurements of the real pipeline on the smallest sample."""
    smallest = (
        "stage=no-outpaint",
        "max_resolution=32",
        "recipe=quick",
        "stages.initialize.steps=1",
        "export=[gaussians]",
    )
    one, two = measure(Option(1, 2), smallest), measure(Option(2, 1), smallest)
    assert one.digest == two.digest
    assert len(one.digest) == 64
    assert one.jobs_per_hour > 0
    assert 10**8 < one.rss_bytes < 10**10
