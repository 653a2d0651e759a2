"""The cache: what it gives back, what it forgets, and that nothing in it is half."""

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from vistadream.core import UserError
from vistadream.service.cache.cache import Cache, open_cache
from vistadream.service.cache.index import IndexAwayError, TableIndex
from vistadream.service.cache.knobs import CachePlace
from vistadream.service.queue.tables import JobRow, new_id


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def asking(jobs: Path) -> tuple[JobRow, Path]:
    job = JobRow(new_id(), input_name="mine.jpg")
    (jobs / job.id).mkdir()
    return job, jobs / job.id


def test_a_result_is_given_by_links_and_its_texts_name_the_new_job(cache, run_job, jobs):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    entry = cache.find("k")
    job, folder = asking(jobs)
    assert cache.fill(entry, job, folder)
    before, after = files_of(jobs / first.id / "run"), files_of(folder / "run")
    assert after["export/gaussians.ply"] == before["export/gaussians.ply"]
    assert (folder / "run" / "export" / "gaussians.ply").stat().st_nlink == 3, "the first job, the cache, and this one"
    assert set(after) == set(before) - {"run.lock"}
    for name in ("run.json", "events.jsonl", "run.log"):
        assert (folder / "run" / name).stat().st_nlink == 1, "a resumed run continues it"
        assert first.id not in after[name].decode()
    assert f"image={folder}/input/mine.jpg" in after["run.json"].decode()
    assert (cache.hits, cache.misses, entry.job) == (1, 0, first.id)


def test_where_the_disk_has_no_links_files_are_copied(cache, run_job, jobs, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    first = run_job("k")
    monkeypatch.setattr(os, "link", refuse)
    cache.keep(first, jobs / first.id)
    job, folder = asking(jobs)
    assert cache.fill(cache.find("k"), job, folder)
    assert (folder / "run" / "export" / "gaussians.ply").stat().st_nlink == 1
    assert files_of(folder / "run")["export/gaussians.ply"] == files_of(jobs / first.id / "run")["export/gaussians.ply"]


def test_a_deleted_job_leaves_its_result_and_a_later_change_does_not_reach_it(cache, run_job, jobs):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    with (jobs / first.id / "run" / "run.log").open("a") as log:
        log.write("resumed\n")
    shutil.rmtree(jobs / first.id)
    job, folder = asking(jobs)
    assert cache.fill(cache.find("k"), job, folder)
    assert "resumed" not in (folder / "run" / "run.log").read_text()


def test_no_key_finds_nothing_and_an_unknown_one_is_a_miss(cache, run_job, jobs):
    loose = run_job("")
    cache.keep(loose, jobs / loose.id)
    assert cache.find("") is None
    assert (cache.entries(), cache.misses) == ([], 0)
    assert cache.find("k") is None
    assert cache.misses == 1


def test_a_scene_that_is_not_the_one_of_the_key_is_not_kept(cache, run_job, jobs):
    other = run_job("k")
    (jobs / other.id / "run" / "results.json").write_text('{"key": "of another machine", "files": []}')
    cache.keep(other, jobs / other.id)
    assert cache.entries() == []


def test_a_result_whose_folder_is_gone_is_a_miss_and_forgotten(cache, run_job, jobs, tmp_path):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    entry = cache.find("k")
    shutil.rmtree(tmp_path / "cache" / "k")
    job, folder = asking(jobs)
    assert not cache.fill(entry, job, folder)
    assert list(folder.iterdir()) == [], "nothing half is left"
    assert cache.find("k") is None
    assert cache.entries() == []


def test_the_least_recently_used_goes_first_and_the_rest_fits(cache, run_job, jobs):
    """Against a model that is a list: used keys move to its end, and what does not fit leaves at its front."""
    rng, model, sizes = random.Random(7), [], {}
    for n in range(60):
        if model and rng.random() < 0.4:
            key = rng.choice(model)
            assert cache.find(key)
            model.remove(key)
            model.append(key)
        else:
            key = f"k{n}"
            job = run_job(key, rng.randrange(50_000, 400_000))
            cache.keep(job, jobs / job.id)
            shutil.rmtree(jobs / job.id)
            cache.trim()
            sizes |= {entry.key: entry.bytes for entry in cache.entries()}
            model.append(key)
            while sum(sizes[each] for each in model) > cache.max_bytes:
                model.pop(0)
        time.sleep(0.001)
        assert [entry.key for entry in cache.entries()] == model


def test_a_result_that_a_job_still_has_neither_counts_nor_goes(cache, run_job, jobs):
    owned = [run_job(f"k{n}", 900_000) for n in range(3)]
    for job in owned:
        cache.keep(job, jobs / job.id)
    assert len(cache.entries()) == 3
    for job in owned[1:]:
        shutil.rmtree(jobs / job.id)
        cache.trim()
    assert {entry.key for entry in cache.entries()} == {"k0", "k2"}, "of those alone the older one went"
    assert files_of(jobs / owned[0].id / "run")["export/gaussians.ply"]


def test_clearing_removes_all_and_jobs_keep_their_files(cache, run_job, jobs, tmp_path):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    assert [entry.key for entry in cache.clear()] == ["k"]
    assert list((tmp_path / "cache").iterdir()) == []
    assert (jobs / first.id / "run" / "export" / "gaussians.ply").is_file()


def test_what_a_killed_process_left_is_swept_after_a_while(cache, run_job, jobs, tmp_path):
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    old, new = tmp_path / "cache" / ".0123", tmp_path / "cache" / ".4567"
    for left in (old, new):
        left.mkdir()
    for path in (old, tmp_path / "cache" / "k"):
        os.utime(path, (1, 1))
    cache.sweep()
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"k", ".4567"}


def test_an_index_that_is_away_is_a_miss_and_nothing_is_swept(run_job, jobs, tmp_path, store, monkeypatch):
    index = TableIndex(store.database)
    cache = Cache(tmp_path / "cache", index, 10**9)
    first = run_job("k")
    cache.keep(first, jobs / first.id)
    os.utime(tmp_path / "cache" / "k", (1, 1))

    def away(*_: object) -> None:
        raise IndexAwayError

    for name in ("get", "put", "touch", "remove", "entries"):
        monkeypatch.setattr(index, name, away, raising=False)
    assert cache.find("k") is None
    assert (cache.clear(), cache.entries()) == ([], [])
    cache.sweep()
    cache.trim()
    assert (tmp_path / "cache" / "k").is_dir()
    second = run_job("l")
    cache.keep(second, jobs / second.id)
    assert not (tmp_path / "cache" / "l").exists(), "nobody would ever find it"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"password_env": "VISTADREAM_NO_SUCH_VARIABLE"}, "there is no such variable"),
        ({"password_file": Path("/nonexistent/password")}, "cannot be read; wanted a file"),
    ],
)
def test_a_password_that_is_not_there_is_one_sentence(place, said, store, tmp_path):
    knobs = {"max_gb": 1, "folder": None, "index": "redis://127.0.0.1", "password_env": None, "password_file": None}
    with pytest.raises(UserError, match=said):
        open_cache(CachePlace(**knobs | place), tmp_path, store.database)
