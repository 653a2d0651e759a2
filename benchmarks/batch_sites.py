"""Real parts for batches on other engines: `vistadream batch` as a process, a Ray cluster, a SLURM site of one node."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil
from PIL import Image

SMALLEST = ("stage=no-outpaint", "max_resolution=32", "recipe=quick", "stages.initialize.steps=1", "seed=0")
PLAIN = ("export=[gaussians]", "export.report=false")
PROGRAM = (sys.executable, "-m", "vistadream", "batch")


@dataclass
class Drive:
    """`vistadream batch` over some small pictures, as a process."""

    folder: Path
    count: int
    """Of the pictures."""
    environment: Mapping[str, str]
    engine: tuple[str, ...]
    process: subprocess.Popen | None = field(default=None)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def draw(self) -> None:
        """Makes different pictures."""
        (self.folder / "photos").mkdir(parents=True)
        for number in range(self.count):
            pixels = np.random.default_rng(number).integers(0, 255, (6, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((64, 48)).save(self.folder / "photos" / f"{number}.png")

    def start(self, *words: str) -> None:
        """Begins, or goes on."""
        command = (*PROGRAM, f"images={self.folder / 'photos'}", f"out={self.out}", *self.engine, *SMALLEST, *PLAIN)
        output = (self.folder / "log.txt").open("ab")
        self.process = subprocess.Popen(
            [*command, *words],
            env={**os.environ, "OMP_NUM_THREADS": "1", **self.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, within_s: float = 300) -> int:
        """The exit code."""
        return self.process.wait(within_s)

    def said(self) -> str:
        return (self.folder / "log.txt").read_text()

    def logs(self) -> str:
        """What the command and its tasks at a SLURM site have written."""
        tasks = sorted(file for file in (self.out / "slurm").glob("**/*") if file.suffix in (".out", ".err"))
        return "\n".join([self.said(), *(f"{file.name}: {file.read_text()}" for file in tasks)])

    def published(self) -> set[str]:
        return {file.parent.name for file in self.out.glob("items/*/*/item.json")}

    def names(self) -> set[str]:
        """Of the pictures that are published, wherever they came from."""
        items = [json.loads(file.read_text()) for file in self.out.glob("items/*/*/item.json")]
        return {Path(name).name for item in items for name in item["names"]}

    def workers(self) -> list[psutil.Process]:
        """The processes that work on the items."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "worker" in words and any(str(self.out) in word for word in words):
                found.append(process)
        return found

    def until(self, holds: Callable[[], object], within_s: float = 240) -> None:
        """Waits for a fact, as long as the process runs."""
        end = time.monotonic() + within_s
        while not holds():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.05)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={top}/munge/socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={top}/state
SlurmdSpoolDir={top}/spool
SlurmctldPidFile={top}/slurmctld.pid
SlurmdPidFile={top}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
GresTypes=gpu
ReturnToService=2
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 Gres=gpu:2
PartitionName=main Nodes={host} Default=YES MaxTime=60 State=UP
"""
SLURM_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")


@dataclass
class Site:
    """A SLURM of one node with two pretended GPUs, on free ports and in a folder of its own."""

    top: Path
    started: list[subprocess.Popen] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.top / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """What a command of SLURM answers."""
        done = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True)
        return done.stdout.strip()

    def start(self) -> None:
        host = socket.gethostname().partition(".")[0]
        for name in ("munge", "state", "spool"):
            (self.top / name).mkdir(parents=True)
        key = self.top / "munge" / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        cpus = max(2, os.cpu_count() or 1)
        conf = SLURM_CONF.format(host=host, top=self.top, ports=(free_port(), free_port()), cpus=cpus)
        (self.top / "slurm.conf").write_text(conf)
        (self.top / "gres.conf").write_text("Name=gpu File=/dev/zero\nName=gpu File=/dev/full\n")
        munge = [f"--{what}={self.top}/munge/{what.partition('-')[0]}" for what in ("socket", "pid-file", "log-file")]
        self._run("munged", "--foreground", "--force", f"--key-file={key}", f"--seed-file={key}.seed", *munge)
        until((self.top / "munge" / "socket").exists)
        self._run("slurmctld", "-D")
        self._run("slurmd", "-D", "-N", host)
        until(lambda: self.ask("sinfo", "-h", "-o", "%T") == "idle")

    def _run(self, *command: str) -> None:
        output = (self.top / f"{command[0]}.txt").open("wb")
        environment = {**os.environ, **self.environment}
        self.started.append(subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT))

    def tasks(self) -> list[str]:
        """The tasks that run: JOB_TASK of an array, whose last task alone has the number of the whole."""
        return self.ask("squeue", "-h", "-r", "-o", "%i", "--states=RUNNING").split()

    def begin_at_once(self, job: str) -> None:
        """Has a task that was put back into the queue begin soon; SLURM would wait for two minutes.

        Not in this second: slurmd refuses a credential that is not younger than the end of the task, in whole seconds.
        """
        until(lambda: self.ask("squeue", "-h", "-r", f"--jobs={job}", "-o", "%T %r") == "PENDING BeginTime")
        self.ask("scontrol", "update", f"JobId={job}", "StartTime=now+2")

    def logs(self) -> str:
        """What its programs have written."""
        return "\n".join(f"{file.name}: {file.read_text()}" for file in sorted(self.top.glob("*.txt")))

    def clear(self) -> None:
        """Ends all jobs, and waits until none of their processes is left."""
        self.ask("scancel", "--user=root")
        until(lambda: not self.ask("squeue", "-h"))

    def stop(self) -> None:
        for process in reversed(self.started):
            process.terminate()
        for process in reversed(self.started):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:  # slurmd waits for its steps
                process.kill()
                process.wait()


@dataclass
class RayCluster:
    """A Ray cluster of several nodes on this machine, each with a pretended GPU, and a token of its own."""

    cluster: Any
    environment: dict[str, str]
    nodes: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.cluster.address

    def grow(self) -> None:
        """Adds a node."""
        self.nodes.append(patiently(lambda: self.cluster.add_node(num_cpus=1, num_gpus=1)))

    def kill(self) -> None:
        """Kills a node without a word to it."""
        self.cluster.remove_node(self.nodes.pop(0), allow_graceful=False)


def patiently(start: Callable[[], Any], times: int = 5) -> Any:
    """Starts a node, several times where the machine is busy: a raylet ends itself when its agent takes over 15 s."""
    for left in reversed(range(times)):
        try:
            return start()
        except Exception:
            if not left:
                raise
    return None


@cache
def own_token() -> Path:
    """The file of the token of all clusters that this process starts, as Ray reads it once."""
    folder = Path(tempfile.mkdtemp(prefix="vistadream-ray-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    token = folder / "token"
    token.write_text(secrets.token_hex(32))
    token.chmod(0o600)
    return token


@contextmanager
def a_cluster(**head: Any) -> Iterator[RayCluster]:
    """A cluster of a head with these resources. Agents are those of a Ray without a dashboard, which start faster.

    Ray must not be imported before the first one.
    """
    environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(own_token()), "RAY_USAGE_STATS_ENABLED": "0"}
    with mock.patch.dict(os.environ, {**environment, "RAY_raylet_start_wait_time_s": "30"}):
        utils = import_module("ray._private.utils")  # Ray reads these variables when it is imported
        cluster = import_module("ray.cluster_utils").Cluster
        with mock.patch.object(utils, "get_dashboard_dependency_error", return_value=ImportError("not wanted")):
            made = RayCluster(patiently(lambda: cluster(initialize_head=True, head_node_args=head)), environment)
            try:
                yield made
            finally:
                made.cluster.shutdown()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(holds: Callable[[], object], within_s: float = 60) -> None:
    """Waits for a fact."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it does not become true"
        time.sleep(0.05)
