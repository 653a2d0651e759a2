"""The memory that is free in a container, by trees of files as the kernel shows them."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from vistadream.backends.main_memory import free_bytes

GB = 10**9
NONE_V1 = 9223372036854771712
"""What version 1 says where there is no limit."""


@pytest.fixture(autouse=True)
def system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64 * GB))


def free(tmp_path: Path, membership: str, files: dict[str, object]) -> int:
    """The answer for a process whose groups are these."""
    for name, content in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    (tmp_path / "self").write_text(membership)
    return free_bytes(tmp_path / "cgroup", tmp_path / "self")


def test_without_groups_it_is_what_the_system_has(tmp_path):
    assert free_bytes(tmp_path / "none", tmp_path / "none") == 64 * GB
    assert free(tmp_path, "0::/\n", {"cgroup.procs": ""}) == 64 * GB, "the root of the system has no limit"


def test_a_container_that_sees_its_own_group_as_the_root(tmp_path):
    files = {"memory.max": 8 * GB, "memory.current": 3 * GB, "memory.stat": "anon 3\nfile 0"}
    assert free(tmp_path, "0::/\n", files) == 5 * GB


@pytest.mark.parametrize("group", ["/docker/abc", "/../../docker/abc"])
def test_a_container_whose_group_has_a_path_that_it_does_not_see(tmp_path, group):
    assert free(tmp_path, f"0::{group}\n", {"memory.max": 8 * GB, "memory.current": 3 * GB}) == 5 * GB


def test_files_that_the_kernel_keeps_for_reuse_count_as_free(tmp_path):
    stat = f"anon {GB}\ninactive_file {3 * GB}\nactive_file {2 * GB}\nshmem {GB}"
    assert free(tmp_path, "0::/\n", {"memory.max": 8 * GB, "memory.current": 7 * GB, "memory.stat": stat}) == 6 * GB


def test_the_least_of_all_groups_around_counts(tmp_path):
    files = {
        "user/job/memory.max": 8 * GB,
        "user/job/memory.current": GB,
        "user/memory.max": "max",
        "user/memory.high": 6 * GB,
        "user/memory.current": 4 * GB,
        "other/memory.max": 1,
        "other/memory.current": 0,
    }
    assert free(tmp_path, "0::/user/job\n", files) == 2 * GB


@pytest.mark.parametrize(("used", "left"), [(8 * GB, 0), (9 * GB, 0), (0, 8 * GB)])
def test_a_group_over_its_limit_has_nothing_left(tmp_path, used, left):
    assert free(tmp_path, "0::/\n", {"memory.max": 8 * GB, "memory.current": used}) == left


def test_a_limit_beyond_what_the_system_has_changes_nothing(tmp_path):
    assert free(tmp_path, "0::/\n", {"memory.max": 100 * GB, "memory.current": 1}) == 64 * GB


@pytest.mark.parametrize("seen", ["docker/abc/", ""], ids=["with the path", "its own group as the root"])
def test_version_1(tmp_path, seen):
    membership = "12:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n1:name=systemd:/\n0::/system.slice\n"
    files = {
        f"memory/{seen}memory.limit_in_bytes": 8 * GB,
        f"memory/{seen}memory.usage_in_bytes": 3 * GB,
        f"memory/{seen}memory.stat": f"inactive_file 1\ntotal_inactive_file {GB}\ntotal_active_file 0",
    }
    assert free(tmp_path, membership, files) == 6 * GB


def test_version_1_without_a_limit(tmp_path):
    files = {"memory/memory.limit_in_bytes": NONE_V1, "memory/memory.usage_in_bytes": 3 * GB}
    assert free(tmp_path, "4:memory:/\n", files) == 64 * GB


def test_this_machine_has_some(monkeypatch):
    monkeypatch.undo()
    assert 0 < free_bytes() <= psutil.virtual_memory().total
