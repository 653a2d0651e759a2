"""Jobs of the pipeline under kill -9 of workers and of their parent: a small form of benchmarks/service_soak.py."""

import runpy
from pathlib import Path

SOAK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "service_soak.py"))


def test_nothing_is_lost_doubled_or_changed_whatever_is_killed(tmp_path: Path) -> None:
    found = SOAK["soak"](tmp_path / "data", jobs=12, worker_kills_s=(0.2, 20), server_kills_s=(2, 30), latest_s=600)
    assert SOAK["holds"](found), found
    assert found["kills"]["workers"] >= 1
