"""All results of one run as one zip, of jobs and of the gallery."""

import io
import zipfile

import pytest

FILES = {"export/gaussians.ply": b"a" * 700_000, "export/npz/results.npz": b"b", "metrics.json": b"{}"}
NAMES = {"gaussians.ply", "npz/results.npz", "metrics.json"}


def left(run):
    """A run folder with results, and with files that are none."""
    for name, content in {**FILES, "live/a.jpg": b"progress", "run.log": b"log"}.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes(content)
    listed = ", ".join(f'"{name}"' for name in FILES)
    (run / "results.json").write_text(f'{{"key": "k", "files": [{listed}]}}')
    return run


@pytest.fixture
def made(house, tmp_path):
    return house(f"gallery=['{tmp_path / 'outputs'}']")


def test_the_results_of_a_job_are_sent_as_one_zip_of_the_size_that_is_said(made):
    job = made.job("local", state="done", input_name="küche 1.png")
    left(made.service.data.run(job))
    answer = made.ask("GET", f"/v1/jobs/{job}/archive")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["content-disposition"] == f'attachment; filename="k_che_1_{job[-6:]}.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert set(archive.namelist()) == NAMES
    assert archive.read("gaussians.ply") == FILES["export/gaussians.ply"]


def test_a_run_of_another_folder_has_one_too(made, tmp_path):
    run = left(tmp_path / "outputs" / "kitchen" / "2026-01-01_10-00-00")
    (run / "run.json").write_text('{"status": "finished"}')
    (entry,) = made.ask("GET", "/v1/gallery").json()["entries"]
    answer = made.ask("GET", f"/v1/gallery/{entry['id']}/archive")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert set(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == NAMES


@pytest.mark.parametrize(("state", "status"), [("queued", 409), ("running", 409), ("failed", 404), ("done", 404)])
def test_without_results_there_is_none(made, state, status):
    answer = made.ask("GET", f"/v1/jobs/{made.job('local', state=state)}/archive")
    assert answer.status_code == status
    assert "wanted" in answer.json()["detail"]


def test_a_ticket_opens_it_for_a_link(made):
    key = made.keys.add("alice").text
    job = made.job("alice", state="done", input_name="a.png")
    left(made.service.data.run(job))
    ticket = made.ask("POST", f"/v1/jobs/{job}/ticket", key).json()["ticket"]
    assert made.ask("GET", f"/v1/jobs/{job}/archive", params={"ticket": ticket}).status_code == 200
    assert made.ask("GET", f"/v1/jobs/{job}/archive").status_code == 401
