"""Machines of which each has a network of its own, for tests: network namespaces, and the relay between them."""

import subprocess
import sys
from pathlib import Path

import pytest

RELAY = f"{sys.executable} {Path(__file__).with_name('relay.py')}"


def alone(script: str) -> list[str]:
    """A shell script whose network is its own loopback and nothing else."""
    return ["unshare", "--map-root-user", "--net", "sh", "-c", f"ip link set lo up && {script}"]


def skip_without_namespaces() -> None:
    tried = subprocess.run(alone("true"), capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no network namespaces here: {tried.stderr.strip()}")
