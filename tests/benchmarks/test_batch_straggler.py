"""A worker that is stopped near the end of a batch: a small form of benchmarks/batch_straggler.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from batch_sites import Drive
from batch_straggler import holds, with_a_straggler


def test_the_item_of_a_stopped_worker_is_published_once_by_another(tmp_path: Path) -> None:
    batch = Drive(tmp_path, 5, {}, ("workers=2",))
    batch.draw()
    found = with_a_straggler(batch)
    assert holds(found, 5), (found, batch.said())
