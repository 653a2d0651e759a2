"""What tests share: checked shapes on core and ops, a fixed seed, real and drawn inputs, and recordings read back."""

import functools
import itertools
import os
import runpy
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

SRC = Path(__file__).parents[1] / "src"
TYPECHECKER = "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"  # an int is a float, as in PEP 484


def checked_modules() -> list[str]:
    """Modules of the floors core and ops; numba cannot compile a wrapped function, so those with kernels stay bare."""
    files = [file for room in ("core", "ops") for file in sorted((SRC / "vistadream" / room).rglob("[!_]*.py"))]
    return [".".join(f.relative_to(SRC).with_suffix("").parts) for f in files if "@kernel" not in f.read_text()]


# Before torch is imported: threads of two processes that wait for one another on the same cores double the time.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))


# Before anything imports the package: from here on each call into these modules checks its shapes and types.
install_import_hook(checked_modules(), TYPECHECKER)


# Tests are never timed, and every run draws the same examples.
settings.register_profile("vistadream", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("vistadream")


TRACED_EXAMPLES = 5
"""How many examples of a test of hypothesis are traced for coverage."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """Runs all examples of a test, but traces the first ones alone: further ones hardly ever reach further lines."""
    handle, coverage = getattr(getattr(item, "obj", None), "hypothesis", None), sys.modules.get("coverage")
    if handle is None or coverage is None:
        yield
        return
    inner, runs, stopped = handle.inner_test, itertools.count(1), []

    @functools.wraps(inner)
    def counted(*args, **kwargs):
        if next(runs) == TRACED_EXAMPLES + 1:
            while traced := coverage.Coverage.current():  # in a process of xdist there are two of them
                traced.stop()
                stopped.append(traced)
        return inner(*args, **kwargs)

    handle.inner_test = counted
    yield
    handle.inner_test = inner
    for traced in reversed(stopped):
        traced.start()


@pytest.fixture(autouse=True, scope="session")
def listens_to_ctrl_c() -> None:
    """A shell starts background jobs deaf to SIGINT, and so would be the processes that tests interrupt."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Each test starts from the same random state, whatever ran before it."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real photographs and posed frames that VISTADREAM_TEST_DATA names."""
    folder = os.environ.get("VISTADREAM_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("VISTADREAM_TEST_DATA names no folder of real inputs")
    return Path(folder)


@pytest.fixture(scope="session")
def textured_plane() -> type:
    """Photos of a textured plane from known cameras: `textured_plane(slope, distance, count)`."""
    return runpy.run_path(str(Path(__file__).with_name("textured_plane.py")))["TexturedPlane"]


@pytest.fixture(scope="session")
def textured_boxes() -> type:
    """Cameras of one lens, and what they see of some boxes: `textured_boxes(width, height, focal_px)`."""
    return runpy.run_path(str(Path(__file__).with_name("textured_boxes.py")))["TexturedBoxes"]


@pytest.fixture(scope="session")
def tiny_configurations(tmp_path_factory) -> dict[str, str]:
    """The file of the configuration of each model of `tiny_depth_anything`."""
    why = "no package depth_anything_3: requirements/depth_anything.txt"
    pytest.importorskip("depth_anything_3.model.da3", reason=why)
    made = runpy.run_path(str(Path(__file__).with_name("tiny_depth_anything.py")))
    return made["tiny_configurations"](tmp_path_factory.mktemp("depth_anything"))


@pytest.fixture
def tiny_depth_anything(monkeypatch: pytest.MonkeyPatch, tiny_configurations):
    """Tiny networks in the place of those of Depth Anything 3, in one thread; no model is left from another test."""
    import torch

    from vistadream.backends.weights.residence import resident

    made = runpy.run_path(str(Path(__file__).with_name("tiny_depth_anything.py")))
    resident.release()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # at this size several only wait for one another
    yield made["TinyDepthAnything"](monkeypatch, tiny_configurations)
    torch.set_num_threads(threads)
    resident.release()


class Recording(dict[str, dict[str, list]]):
    """Entity path -> column (such as `Scalars:scalars`, `step`) -> values, one for each time it was logged."""

    PROGRAM = Path(find_spec("rerun_cli").origin).parent / "rerun"
    """The viewer's own program: the script `rerun` would leave it behind when killed."""

    def __init__(self, file: Path):
        from rerun.chunk import RrdReader

        super().__init__()
        self._file = file
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a killed run's file has no footer, and says so
            reader = RrdReader(file)
            for chunk in reader.stream() if reader.recordings() else ():  # none where the file is only begun
                batch = chunk.to_record_batch()
                entity = self.setdefault(str(chunk.entity_path), {})
                for name in set(batch.schema.names) - {"log_time"}:
                    entity.setdefault(name, []).extend(batch.column(name).to_pylist())

    def values(self, entity: str, column: str) -> np.ndarray:
        return np.array(self[entity][column])

    def rows(self) -> dict[str, int]:
        """How often each entity was logged."""
        return {path: max(len(values) for values in entity.values()) for path, entity in self.items() if entity}

    def complete(self) -> bool:
        """Whether the recording was ended: the file has its footer."""
        return subprocess.run([self.PROGRAM, "rrd", "verify", self._file], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def read() -> Callable[[Path], Recording]:
    """Reads a recording's file."""
    return Recording
