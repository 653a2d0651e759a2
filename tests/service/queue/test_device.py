"""A device is shared, or somebody's alone; the lock ends with whoever holds it."""

import pytest

from vistadream.service.queue.device import Device


@pytest.fixture
def devices(tmp_path):
    return [Device(tmp_path / "devices") for _ in range(3)]


def test_many_share_it_or_one_has_it(devices):
    first, second, third = devices
    assert first.enter(alone=False)
    assert second.enter(alone=False)
    assert not third.enter(alone=True)
    assert not third.is_alone
    first.leave()
    assert not third.enter(alone=True)
    second.leave()
    assert third.enter(alone=True)
    assert third.is_alone
    assert not first.enter(alone=False)
    third.leave()
    assert first.enter(alone=False)


def test_it_is_free_when_its_holder_is_gone(devices):
    first, second, _ = devices
    first.enter(alone=True)
    assert not second.enter(alone=False)
    devices.remove(first)
    del first
    assert second.enter(alone=False)


def test_each_gpu_is_a_device(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-1")
    first = Device(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-GPU-2/3/4")
    second = Device(tmp_path)
    assert first.enter(alone=True)
    assert second.enter(alone=True)
