"""GPUs as NVIDIA's library tells of them, here in the shape of a module that stands in for it."""

import sys
from types import SimpleNamespace

import pytest

from vistadream.service.watch import gpu
from vistadream.service.watch.gpu import Gpu, gpus
from vistadream.service.watch.metrics import Metrics, Sources


class NVMLError(Exception):
    pass


def library(**changed):
    """The functions of pynvml that are called, for two GPUs."""
    return SimpleNamespace(
        **{
            "NVMLError": NVMLError,
            "nvmlInit": lambda: None,
            "nvmlDeviceGetCount": lambda: 2,
            "nvmlDeviceGetHandleByIndex": lambda number: number,
            "nvmlDeviceGetMemoryInfo": lambda number: SimpleNamespace(used=5 + number, total=80),
            "nvmlDeviceGetUtilizationRates": lambda number: SimpleNamespace(gpu=50 * number, memory=3),
        }
        | changed
    )


def fail(*_):
    raise NVMLError


@pytest.fixture(autouse=True)
def _ask_again():
    gpu._library.cache_clear()
    yield
    gpu._library.cache_clear()


def test_each_gpu_is_a_series_by_its_number(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", library())
    assert gpus() == [Gpu(5, 80, 0.0), Gpu(6, 80, 0.5)]
    metrics = Metrics()
    metrics.read(Sources(dict, lambda: 0, lambda: 0, lambda: 0, dict, lambda: (0, 0), list))
    lines = metrics.text().decode().splitlines()
    assert 'vistadream_gpu_memory_bytes{gpu="1",kind="used"} 6.0' in lines
    assert 'vistadream_gpu_use_ratio{gpu="1"} 0.5' in lines


@pytest.mark.parametrize("module", [None, library(nvmlInit=fail), library(nvmlDeviceGetCount=fail)])
def test_without_library_driver_or_answer_there_are_none(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", module)
    assert gpus() == []
