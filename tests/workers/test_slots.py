"""Where workers run: one on each GPU or part of one, else on the processors."""

import pytest

from vistadream.workers.slots import devices_in, slots, visible_gpus

LISTED = """\
GPU 0: NVIDIA A100 80GB PCIe (UUID: GPU-aaaa-01)
  MIG 3g.40gb     Device  0: (UUID: MIG-bbbb-01)
  MIG 3g.40gb     Device  1: (UUID: MIG-bbbb-02)
GPU 1: NVIDIA H100 (UUID: GPU-aaaa-02)
"""


def test_each_gpu_and_each_part_of_a_divided_one_is_a_device() -> None:
    assert devices_in(LISTED) == ["MIG-bbbb-01", "MIG-bbbb-02", "GPU-aaaa-02"]
    assert devices_in("No devices found.\n") == []


def test_one_worker_for_each_gpu() -> None:
    found = slots("auto", ["a", "b"], cores=9)
    assert [(slot.name, slot.environment) for slot in found] == [
        ("gpu0", {"CUDA_VISIBLE_DEVICES": "a", "OMP_NUM_THREADS": "4"}),
        ("gpu1", {"CUDA_VISIBLE_DEVICES": "b", "OMP_NUM_THREADS": "4"}),
    ]
    assert [slot.environment["CUDA_VISIBLE_DEVICES"] for slot in slots(3, ["a", "b"])] == ["a", "b", "a"]


@pytest.mark.parametrize(("workers", "cores", "threads"), [("auto", 8, ["8"]), (3, 8, ["2"] * 3), (4, 2, ["1"] * 4)])
def test_without_a_gpu_the_cores_are_shared(workers: int, cores: int, threads: list[str]) -> None:
    assert [slot.environment["OMP_NUM_THREADS"] for slot in slots(workers, [], cores)] == threads
    assert slots(0, [], cores) == []


@pytest.mark.parametrize(("named", "gpus"), [("", []), ("-1", []), ("0, 2", ["0", "2"]), ("MIG-x", ["MIG-x"])])
def test_the_environment_says_which_gpus_are_ours(monkeypatch: pytest.MonkeyPatch, named: str, gpus: list) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == gpus
