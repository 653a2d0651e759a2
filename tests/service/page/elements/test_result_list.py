"""What is taken away: each file, those that are made on demand, and all as one zip."""

import shlex
import subprocess
import zipfile

import numpy as np
import pytest
import rerun as rr
from tests.service.conftest import Running


@pytest.fixture(scope="module")
def job(app: Running) -> str:
    """A job that is done."""
    answer = app.submit()
    return app.wait_for(answer.json()["id"], "done")["id"]


def test_a_format_is_made_on_demand_and_listed_with_its_size(tab, app, job):
    page = tab()
    page.open(f"#/scene/{job}/files")
    page.press("Make gaussians.splat")
    saved = page.page.get_by_role("link", name="Download gaussians.splat", exact=True)
    saved.wait_for()
    row = page.page.locator(".files li", has=saved)
    assert "KB" in row.locator(".size").inner_text()
    assert app.client.get(f"/v1/jobs/{job}/results/gaussians.splat").content


def test_all_files_are_one_zip(tab, app, job):
    page = tab()
    page.open(f"#/scene/{job}/files")
    row = page.see(".files li:has-text('All as one zip')")
    assert row.locator(".size").inner_text().endswith("B")
    with page.page.expect_download() as download:
        row.get_by_role("link").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "gaussians.ply" in archive.namelist()


def test_a_recording_is_opened_by_a_command(tab, app, job, read, tmp_path):
    """Rerun's program takes the address of the command, and receives what the recording has."""
    file, got = app.data / "jobs" / job / "run" / "run.rrd", tmp_path / "got.rrd"
    with rr.RecordingStream("vistadream") as stream:
        stream.save(file)
        stream.log("coarse/loss", rr.Scalars(0.25))
        stream.disconnect()
    page = tab()
    page.open(f"#/scene/{job}/files")
    page.press("Open in Rerun")
    program, address = shlex.split(page.see(".files vd-copy-line code").inner_text())
    assert program == "rerun"
    command = [read.PROGRAM, address, "--save", got, "--port", "auto", "--bind", "127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    values = read(file).values("/coarse/loss", "Scalars:scalars")
    assert np.array_equal(read(got).values("/coarse/loss", "Scalars:scalars"), values)
    assert len(values) == 1
