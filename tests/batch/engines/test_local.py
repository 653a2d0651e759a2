"""As many workers as there is memory for."""

from types import SimpleNamespace

import pytest

from vistadream.batch.engines import local
from vistadream.workers.slots import Slot


@pytest.mark.parametrize(("free_gb", "workers"), [(16, 4), (5, 3), (0.5, 1)])
def test_no_worker_without_memory(monkeypatch: pytest.MonkeyPatch, free_gb: float, workers: int) -> None:
    said: list[str] = []
    monkeypatch.setattr(local.psutil, "virtual_memory", lambda: SimpleNamespace(available=free_gb * 1e9))
    places = [Slot(f"cpu{n}", {}) for n in range(4)]
    fit = local._that_fit(places, SimpleNamespace(say=said.append), worker_gb=1.5)  # type: ignore[arg-type]
    assert fit == places[:workers]
    assert bool(said) == (workers < 4)
    assert all("GB of memory are free" in line for line in said)
