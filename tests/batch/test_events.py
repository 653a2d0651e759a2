"""Lines about what workers did: each is read once, and one that is not whole does no harm."""

from pathlib import Path

from vistadream.batch.events import EventReader, Events
from vistadream.batch.folder import BatchFolder


def test_each_line_is_read_once(tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path)
    reader = EventReader(folder)
    assert list(reader.new()) == []
    one, two = Events(folder, "one", "here", "cpu"), Events(folder, "two", "there", "gpu0")
    one.add("began", id="x")
    two.add("ended", id="y", seconds=1.5)
    assert [(each["worker"], each["event"], each["id"]) for each in reader.new()] == [
        ("one", "began", "x"),
        ("two", "ended", "y"),
    ]
    one.add("published", id="x")
    assert [each["event"] for each in reader.new()] == ["published"]


def test_broken_lines_are_left_out(tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path)
    folder.events.mkdir()
    folder.events_of("w").write_text('{"event": "beg\n[]\n{"event": "began", "at_s": 1}\n{"event": "half')
    reader = EventReader(folder)
    assert [each["event"] for each in reader.new()] == ["began"]
    with folder.events_of("w").open("a") as stream:
        stream.write('", "at_s": 2}\n')
    assert [each["event"] for each in reader.new()] == ["half"]


def test_a_disk_that_cannot_be_written_stops_no_work(tmp_path: Path) -> None:
    (tmp_path / "events").write_text("a file in the place of the folder")
    Events(BatchFolder(tmp_path), "w", "here", "cpu").add("began")
