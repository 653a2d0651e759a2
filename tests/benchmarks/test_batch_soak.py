"""A batch under kill -9 of its workers and its driver: a small form of benchmarks/batch_soak.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from batch_soak import holds, soak


def test_every_item_is_published_once_with_its_bytes_whatever_is_killed(tmp_path: Path) -> None:
    kills = {"worker_kills_s": (0.2, 3), "driver_kills_s": (2, 6), "most_kills": 3}
    found = soak(tmp_path, images=5, latest_s=600, compared=1, **kills)
    assert holds(found, most_repeated=1.0), found  # what is repeated depends on how busy the machine is
    assert found["kills"]["workers"] >= 1
    assert found["attempts"] > 5
