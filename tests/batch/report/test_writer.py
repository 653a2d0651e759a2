"""The report is written while a batch runs, at its end, and whatever is wrong with it stops nothing."""

import json
import threading

import pytest
from PIL import Image

from vistadream.batch.report import writer
from vistadream.batch.report.writer import reporting, thumbnails, write_report


def test_the_report_is_written_again_and_again_and_at_the_end(made_batch, monkeypatch):
    twice = threading.Semaphore(0)
    write = writer.write_report
    monkeypatch.setattr(writer, "write_report", lambda *about: (write(*about), twice.release()))
    with reporting(made_batch.folder, each_s=0.01):
        assert twice.acquire(timeout=30)
        assert twice.acquire(timeout=30)
        made_batch.publish(1)
    assert json.loads(made_batch.folder.report_json.read_text())["published"] == 1
    assert made_batch.folder.report_html.exists()


def test_a_report_that_cannot_be_written_stops_nothing(made_batch):
    made_batch.folder.report_json.mkdir()
    (made_batch.folder.report_json / "in the way").touch()
    with reporting(made_batch.folder):
        pass
    assert not made_batch.folder.report_html.exists()


def test_the_price_of_the_last_report_counts_on(made_batch):
    made_batch.attempt(made_batch.publish(1), 0.0, 3600.0, "done")
    write_report(made_batch.folder, 2.0)
    write_report(made_batch.folder)
    assert json.loads(made_batch.folder.report_json.read_text())["cost"]["whole"] == 2.0


def test_the_counts_are_those_of_the_folder(made_batch):
    made_batch.publish(1)
    made_batch.give_up(2, "no; wanted another")
    made_batch.plan(items=5)
    write_report(made_batch.folder)
    counts = json.loads(made_batch.folder.report_json.read_text())["counts"]
    assert counts == {"items": 5, "published": 1, "given_up": 1, "under_way": 0, "left": 3}


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_a_picture_that_cannot_be_opened_has_no_thumbnail(tmp_path, content):
    file = tmp_path / "a.jpg"
    if content is not None:
        file.write_bytes(content)
    assert thumbnails()(str(file)) is None


def test_a_thumbnail_is_small_and_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 400)).save(tmp_path / "a.jpg", exif=exif)
    height, width, _ = thumbnails()(str(tmp_path / "a.jpg")).shape
    assert (height, width) == (160, 80)
