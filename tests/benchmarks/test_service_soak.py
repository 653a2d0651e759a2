"""Jobs of the pipeline under kill -9 of workers and of the service: a small form of benchmarks/service_soak.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from service_soak import HttpService, holds, soak


def test_nothing_is_lost_doubled_or_changed_whatever_is_killed(tmp_path: Path) -> None:
    kills = {"worker_kills_s": (0.2, 20), "server_kills_s": (2, 30)}
    found = soak(tmp_path / "data", jobs=12, latest_s=600, kind=HttpService, **kills)
    assert holds(found), found
    assert found["kills"]["workers"] >= 1
