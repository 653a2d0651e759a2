"""The gallery: jobs and runs of other folders together, which are read and never changed."""

import json
import os
import time

import pytest

from vistadream.service.access.local_key import LocalKey
from vistadream.service.gallery import gallery as module

OWN = {"Origin": "http://127.0.0.1"}


def add_run(folder, image, date, **facts):
    """A run folder such as the command line leaves; None as a fact leaves run.json out."""
    run = folder / image / date
    (run / "01_load").mkdir(parents=True)
    (run / "01_load" / "done.json").write_text('{"key": "k", "seconds": 1.5}')
    (run / "run.log").write_text("x")
    (run / "results.json").write_text('{"key": "k", "files": ["export/gaussians.ply"]}')
    (run / "export").mkdir()
    (run / "export" / "gaussians.ply").write_text("ply\n")
    (run / "run.json").write_text(json.dumps({"status": "finished", "overrides": ["stage=coarse"], **facts}))
    return run


@pytest.fixture
def outputs(tmp_path):
    return tmp_path / "outputs"


@pytest.fixture
def made(house, outputs):
    return house(f"gallery=['{outputs}']")


def entries(made, query="", **how):
    answer = made.ask("GET", f"/v1/gallery{query}", **how)
    assert answer.status_code == 200, answer.text
    return answer.json()["entries"]


def names(made, query="", **how):
    return [entry["name"] for entry in entries(made, query, **how)]


def test_jobs_and_other_runs_are_listed_together_the_newest_first(made, outputs):
    add_run(outputs, "old", "2026-01-01_10-00-00")
    job = made.job("local", input_name="photo.jpg", words=("stage=fine",), state="queued", created_s=time.time())
    add_run(outputs, "tomorrow", "2099-01-01_10-00-00")
    found = entries(made)
    assert [entry["name"] for entry in found] == ["tomorrow", "photo", "old"]
    assert [entry["read_only"] for entry in found] == [True, False, True]
    assert found[1]["job"] == found[1]["id"] == job
    assert found[2] | {"id": "", "created": ""} == {
        "id": "",
        "name": "old",
        "state": "done",
        "stage": "load",
        "seconds": 1.5,
        "created": "",
        "words": ["stage=coarse"],
        "tags": [],
        "star": False,
        "thumbnail": f"/v1/gallery/{found[2]['id']}/thumbnail",
        "job": None,
        "read_only": True,
        "before": False,
        "damaged": False,
    }


def test_pages_are_whole_and_do_not_overlap(made, outputs):
    for day in range(1, 8):
        add_run(outputs, f"run{day}", f"2026-01-0{day}_10-00-00")
    seen, cursor = [], ""
    while True:
        page = made.ask("GET", f"/v1/gallery?limit=3{cursor}").json()
        seen += [entry["name"] for entry in page["entries"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [f"run{day}" for day in range(7, 0, -1)]


def test_search_looks_into_names_tags_knobs_prompts_and_dates(made, outputs):
    add_run(outputs, "kitchen", "2026-01-01_10-00-00", overrides=["prompt='a sunlit library'", "seed=7"])
    add_run(outputs, "bath", "2026-02-03_10-00-00", status="failed")
    for text in ("KITCH", "sunlit", "seed=7", "2026-01-01"):
        assert names(made, f"?q={text}") == ["kitchen"], text
    assert names(made, "?q=nothing") == []
    assert names(made, "?state=failed") == ["bath"]
    (id,) = (entry["id"] for entry in entries(made, "?q=bath"))
    said = made.ask(
        "PATCH", f"/v1/gallery/{id}", json={"tags": ["wet"], "star": True, "name": "Bad & <b>"}, headers=OWN
    )
    assert (said.json()["name"], said.json()["tags"], said.json()["star"]) == ("Bad & <b>", ["wet"], True)
    assert names(made, "?q=wet") == ["Bad & <b>"]
    assert made.ask("PATCH", f"/v1/gallery/{id}", json={"name": None}, headers=OWN).json()["name"] == "bath"
    assert made.ask("PATCH", f"/v1/gallery/{id}", json={"star": 1}, headers=OWN).status_code == 422


def test_what_people_say_changes_no_file(made, outputs):
    run = add_run(outputs, "a", "2026-01-01_10-00-00")
    before = {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]}
    (id,) = (entry["id"] for entry in entries(made))
    made.ask("PATCH", f"/v1/gallery/{id}", json={"name": "b"}, headers=OWN)
    answer = made.ask("DELETE", f"/v1/gallery/{id}", headers=OWN)
    assert (answer.status_code, "never changes" in answer.json()["detail"]) == (409, True)
    assert {path: path.stat().st_mtime_ns for path in [run, *run.rglob("*")]} == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": 3}', '{"overrides": 3}', "\0", '{"status": "done"}'])
def test_a_folder_that_is_damaged_or_half_written_is_shown_as_such(made, outputs, text):
    run = add_run(outputs, "a", "2026-01-01_10-00-00")
    (run / "run.json").write_text(text)
    (entry,) = entries(made)
    assert (entry["damaged"], entry["state"], entry["words"]) == (True, "unknown", [])
    assert (run / "run.json").read_text() == text


def test_a_finished_run_without_its_list_of_results_is_damaged(made, outputs):
    (add_run(outputs, "a", "2026-01-01_10-00-00") / "results.json").unlink()
    assert entries(made)[0]["damaged"] is True


def test_run_json_is_data(made, outputs, tmp_path):
    word = f"+x={{_target_:subprocess.Popen,args:[touch,{tmp_path}/made]}}"
    run = add_run(outputs, "a", "2026-01-01_10-00-00", overrides=[word, "${oc.env:HOME}", {"_target_": "os.system"}])
    (entry,) = entries(made)
    assert entry["words"][0] == word
    assert entry["words"][1] == "${oc.env:HOME}"
    assert not (tmp_path / "made").exists()
    (run / "results.json").write_text('{"key": "k", "files": ["../../../secret", "/etc/passwd", "export/link"]}')
    (tmp_path / "secret").write_text("x")
    os.symlink("/etc/passwd", run / "export" / "link")
    files = made.ask("GET", f"/v1/gallery/{entry['id']}").json()["results"]
    assert not [
        file for file in files if "secret" in file["name"] or "passwd" in file["name"] or "link" in file["name"]
    ]
    assert made.ask("GET", f"/v1/gallery/{entry['id']}/results/..%2F..%2F..%2Fsecret").status_code == 404


def test_files_of_another_run_are_sent(made, outputs):
    add_run(outputs, "a", "2026-01-01_10-00-00")
    (entry,) = entries(made)
    (file,) = made.ask("GET", f"/v1/gallery/{entry['id']}").json()["results"]
    assert file["url"] == f"/v1/gallery/{entry['id']}/results/gaussians.ply"
    sent = made.ask("GET", file["url"], headers={"Range": "bytes=0-2"})
    assert (sent.status_code, sent.content) == (206, b"ply")


def test_links_lead_nowhere(made, outputs, tmp_path):
    elsewhere = add_run(tmp_path / "elsewhere", "a", "2026-01-01_10-00-00")
    (outputs / "b").mkdir(parents=True)
    os.symlink(elsewhere, outputs / "b" / "2026-01-01_10-00-00")
    os.symlink(elsewhere.parent, outputs / "c")
    assert entries(made) == []


def test_a_deleted_job_can_be_taken_back_and_is_removed_after_a_while(made, monkeypatch):
    job = made.job("local", input_name="photo.jpg", created_s=time.time(), state="done")
    made.service.data.run(job).mkdir(parents=True)
    answer = made.ask("DELETE", f"/v1/gallery/{job}", headers=OWN)
    assert answer.status_code == 202
    assert entries(made) == []
    assert made.ask("POST", f"/v1/gallery/{job}/restore", headers=OWN).json()["id"] == job
    assert names(made) == ["photo"]
    made.ask("DELETE", f"/v1/gallery/{job}", headers=OWN)
    monkeypatch.setattr(module, "UNDO_S", -1)
    assert entries(made) == []
    assert made.service.store.get(job) is None
    assert not made.service.data.job(job).exists()


def test_a_job_that_is_changed_is_shown_as_it_was_until_the_new_run_is_whole(made, tmp_path):
    job = made.job("local", input_name="photo.jpg", created_s=time.time(), state="running", words=("seed=2",))
    old = add_run(tmp_path, "x", "old", overrides=["seed=1", f"image={tmp_path}/jobs/x/input/photo.jpg"])
    made.service.data.job(job).mkdir()
    old.rename(made.service.data.before(job))
    entry = made.ask("GET", f"/v1/gallery/{job}").json()
    assert (entry["before"], entry["words"], entry["state"]) == (True, ["seed=1"], "running")
    (file,) = [file for file in entry["results"] if file["name"] == "gaussians.ply"]
    assert made.ask("GET", file["url"]).content == b"ply\n"
    assert made.ask("GET", f"/v1/jobs/{job}").json()["before"] == f"/v1/gallery/{job}"
    made.service.store.finish(job, 0, "done")
    entry = made.ask("GET", f"/v1/gallery/{job}").json()
    assert (entry["before"], entry["words"], entry["results"]) == (False, ["seed=2"], [])
    assert made.ask("GET", f"/v1/jobs/{job}").json()["before"] is None


def test_a_running_job_is_not_deleted(made):
    job = made.job("local", state="running", created_s=time.time())
    assert made.ask("DELETE", f"/v1/gallery/{job}", headers=OWN).status_code == 409


def test_each_owner_sees_what_is_theirs(house, outputs, tmp_path):
    made = house(f"gallery=['{outputs}']", local=LocalKey.of(tmp_path))
    add_run(outputs, "a", "2026-01-01_10-00-00")
    job = made.job("bob", input_name="bob.jpg", created_s=time.time())
    alice, bob = made.keys.add("alice").text, made.keys.add("bob").text
    assert names(made, key=alice) == []
    assert names(made, key=bob) == ["bob"]
    assert names(made, key=LocalKey.of(tmp_path).text) == ["a"]
    assert made.ask("GET", f"/v1/gallery/{job}", key=alice).status_code == 404


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 201}, {"tags": ["x" * 41]}, {"tags": "x"}, {"x": 1}])
def test_bad_words_are_a_problem(made, body):
    job = made.job("local", created_s=time.time())
    assert made.ask("PATCH", f"/v1/gallery/{job}", json=body, headers=OWN).status_code == 422
    assert made.ask("PATCH", "/v1/gallery/nothing", json={}, headers=OWN).status_code == 404


def test_two_thousand_runs_are_answered_in_little_time(made, outputs):
    for n in range(2000):
        run = outputs / f"image{n % 50}" / f"2026-01-01_{n // 3600:02d}-{n // 60 % 60:02d}-{n % 60:02d}"
        run.mkdir(parents=True)
        (run / "run.json").write_text('{"status": "finished", "overrides": ["seed=1"]}')
    began_s = time.process_time()
    assert len(entries(made)) == 100
    assert time.process_time() - began_s < 1.0
    began_s = time.process_time()
    assert entries(made, "?q=nothing") == []
    assert time.process_time() - began_s < 2.0
