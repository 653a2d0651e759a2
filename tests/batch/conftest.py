"""What tests of a batch share: a folder on the disk as workers leave it, without any of them; an S3 on loopback."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from vistadream.batch.folder import BatchFolder
from vistadream.batch.items import Item
from vistadream.batch.plan import Counted, PlanWriter
from vistadream.batch.quarantine import Quarantine, Verdict


@dataclass(frozen=True)
class MadeBatch:
    """Writes what workers write."""

    folder: BatchFolder

    def id(self, number: int) -> str:
        return f"{number * 7919 % 2**64:016x}"[::-1] + "-0000abcd"

    def publish(self, number: int, ended: float = 1000.0, **about) -> str:
        id = self.id(number)
        whole = {
            "id": id,
            "names": [f"photos/{number}.jpg"],
            "words": [],
            "seconds": 10.0,
            "ended": ended,
            "bytes": 100,
            "node": "here",
            "device": "cpu",
            "stages": {"start": 1.0, "load": 1.0, "refine": 7.0, "delivery": 1.0},
            "figures": {"input_psnr_db": 30.0 + number, "path_hole_ratio": {"largest": 0.01 * number}},
        }
        self.folder.item(id).mkdir(parents=True, exist_ok=True)
        (self.folder.item(id) / "item.json").write_text(json.dumps(whole | about))
        return id

    def give_up(self, number: int, sentence: str, name: str = "photos/bad.jpg") -> str:
        Quarantine(self.folder).put(self.id(number), [name], Verdict("bad", sentence), [], "the log")
        return self.id(number)

    def attempt(self, id: str, began: float, ended: float, state: str, number: int = 1, **about) -> None:
        worker, who = about.pop("worker", "cpu0-a"), {"id": id, "attempt": number}
        end = {"event": "killed", "of": worker} if state == "killed" else {"event": "ended", "state": state}
        self.add(worker, event="began", at_s=began, **who)
        self.add("driver" if state == "killed" else worker, at_s=ended, **end, **who, **about)

    def add(self, worker: str, **event) -> None:
        """A line of the events of a worker."""
        self.folder.events.mkdir(exist_ok=True)
        with self.folder.events_of(worker).open("a") as stream:
            stream.write(json.dumps({"worker": worker, "node": "here", "device": "cpu"} | event) + "\n")

    def plan(self, items: int) -> None:
        """The items of the numbers from 0 on, all of which were to be done."""
        writer = PlanWriter(self.folder.plan)
        for number in range(items):
            writer.add(Item(self.id(number), (f"photos/{number}.jpg",), ()))
        writer.end(Counted(items))


@pytest.fixture
def made_batch(tmp_path: Path) -> MadeBatch:
    folder = BatchFolder(tmp_path / "scenes")
    folder.root.mkdir()
    start = {"images": "photos", "knobs": ["abcd"], "words": [[]], "engine": "local", "vistadream": "1", "began": "now"}
    folder.batch_json.write_text(json.dumps({"starts": [start]}))
    return MadeBatch(folder)


@pytest.fixture(scope="session")
def s3_environment() -> Iterator[dict[str, str]]:
    """Variables that lead to an S3 on this machine; none where its packages are missing."""
    if not (find_spec("s3fs") and find_spec("moto")):
        yield {}
        return
    running = import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    address = "http://{}:{}".format(*running.get_host_and_port())
    keys = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    yield {**keys, "AWS_DEFAULT_REGION": "us-east-1", "NO_PROXY": "127.0.0.1"}
    running.stop()


@pytest.fixture
def s3(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in a bucket of its own."""
    if not s3_environment:
        pytest.skip("s3fs, of the extra `cloud`, reads and writes S3, and moto, of `ci`, is an S3 on loopback")
    fsspec = import_module("fsspec")
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"scenes-{secrets.token_hex(4)}"
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}/spring"
