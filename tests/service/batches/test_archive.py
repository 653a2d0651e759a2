"""The archive of a batch: its size is known before it is made, and its manifest describes it."""

import hashlib
import io
import json
import zipfile

from vistadream.service.batches.archive import archive_of
from vistadream.service.batches.batches import Member
from vistadream.service.batches.tables import BatchRow
from vistadream.service.data import DataFolder
from vistadream.service.queue.tables import JobRow, new_id


def done_job(data: DataFolder, content: bytes) -> JobRow:
    job = JobRow(new_id(), state="done")
    run = data.run(job.id)
    (run / "export").mkdir(parents=True)
    (run / "live").mkdir()
    (run / "export" / "gaussians.ply").write_bytes(content)
    (run / "metrics.json").write_text("{}")
    (run / "live" / "a.jpg").write_bytes(b"progress")
    (run / "results.json").write_text('{"key": "k", "files": ["export/gaussians.ply", "metrics.json"]}')
    return job


def test_the_archive_is_as_long_as_it_says_and_its_manifest_is_true(tmp_path):
    data = DataFolder(tmp_path)
    first, second = done_job(data, b"a" * 700_000), done_job(data, b"b" * 10)
    failed = JobRow(new_id(), state="failed", error="no depth; wanted another photo")
    members = [
        Member(first.id, "kitchen", first),
        Member(second.id, "küche-2", second),
        Member(failed.id, "dark", failed),
        Member(new_id(), "gone", None),
    ]
    stream = archive_of(BatchRow(new_id(), "me", 1.5e9, None, ""), members, data)
    announced = len(stream)
    content = b"".join(stream)
    assert len(content) == announced
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    names = [f"{folder}/{name}" for folder in ("kitchen", "küche-2") for name in ("gaussians.ply", "metrics.json")]
    assert [file["name"] for file in manifest["files"]] == names
    assert set(archive.namelist()) == {*names, "manifest.json"}
    for file in manifest["files"]:
        read = archive.read(file["name"])
        assert (len(read), hashlib.sha256(read).hexdigest()) == (file["bytes"], file["sha256"])
    assert [(each["folder"], each["state"], each["error"]) for each in manifest["failures"]] == [
        ("dark", "failed", "no depth; wanted another photo"),
        ("gone", "deleted", None),
    ]
