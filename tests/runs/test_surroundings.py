"""A run called from Python: under any state of torch, logging and Hydra, from threads, and with all of it put back."""

import logging
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.version import VersionBase
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer

from vistadream import single_image
from vistadream.config import compose
from vistadream.runs.folder import RunFolder
from vistadream.runs.surroundings import surroundings
from vistadream.session import Run

SMALL = ["max_resolution=64", "stages.initialize.steps=2", "rerun.mode=off", "export.videos=[]", "export.report=false"]


def small_run(out: Path, *words: str) -> Run:
    return single_image(stage="no-outpaint", overrides=[*SMALL, f"out={out}", *words])


def state() -> dict[str, object]:
    """All that a run could change of its process."""
    loggers = [logging.getLogger(name) for name in (None, "vistadream", "vistadream.console", "py.warnings")]
    return {
        "torch": (
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.is_inference_mode_enabled(),
            torch.is_grad_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_deterministic_debug_mode(),
            torch.get_num_threads(),
            torch.get_rng_state().tolist(),
        ),
        "warnings": (warnings.showwarning, list(warnings.filters)),
        "logging": [(logger.level, list(logger.handlers), logger.propagate, logger.disabled) for logger in loggers],
        "hydra": (GlobalHydra.instance().hydra, VersionBase.instance().getbase(), dict(BaseContainer._resolvers)),
        "store": {name: id(node) for name, node in ConfigStore.instance().repo.items()},
        "process": (os.getcwd(), dict(os.environ)),
    }


@pytest.fixture
def default_dtype_and_device() -> Iterator[None]:
    """Puts back what a test sets for the whole process."""
    yield
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("default_dtype_and_device")
def test_a_run_in_the_midst_of_another_program_is_the_same_and_leaves_no_trace(tmp_path: Path) -> None:
    expected = (small_run(tmp_path / "alone").folder / "export" / "gaussians.ply").read_bytes()
    ConfigStore.instance().store("schema", {"theirs": 1})
    OmegaConf.register_new_resolver("now", lambda: "theirs", replace=True)
    logging.captureWarnings(True)
    logging.getLogger("vistadream").setLevel(logging.ERROR)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    with ExitStack() as theirs:
        theirs.callback(logging.captureWarnings, False)
        theirs.callback(logging.getLogger("vistadream").setLevel, logging.NOTSET)
        theirs.enter_context(initialize_config_dir(str(tmp_path), version_base="1.1"))
        theirs.enter_context(torch.inference_mode())
        theirs.enter_context(torch.autocast("cpu", dtype=torch.bfloat16))
        theirs.enter_context(torch.device("meta"))
        before = state()
        made = small_run(tmp_path / "within")
        assert state() == before
    assert (made.folder / "export" / "gaussians.ply").read_bytes() == expected
    assert not made.scene.gaussians.means.is_inference()


def test_what_a_failed_run_changed_is_put_back(tmp_path: Path) -> None:
    before = state()
    with pytest.raises(Exception, match="no such input"):
        small_run(tmp_path, f"image={tmp_path / 'none.png'}")
    assert state() == before


def test_two_threads_run_one_after_the_other_each_with_its_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ThreadPoolExecutor(2) as threads:
        runs = list(threads.map(lambda seed: small_run(tmp_path, f"seed={seed}"), (1, 2)))
    logs = [RunFolder(each.folder).log.read_text() for each in runs]
    for own, other, log in zip(runs, reversed(runs), logs, strict=True):
        assert f"run folder: {own.folder}" in log
        assert log.count("initialize: done in") == 1
        assert str(other.folder) not in log
    assert caplog.text.count("a run waits for another one in this process to end") == 1


def test_warnings_of_a_run_reach_the_log_and_not_their_default_place(caplog: pytest.LogCaptureFixture) -> None:
    with surroundings():
        warnings.warn("look here", stacklevel=1)
    assert [(record.name, "look here" in record.getMessage()) for record in caplog.records] == [("py.warnings", True)]


@pytest.mark.parametrize("enter", [torch.inference_mode, torch.no_grad])
def test_gradients_flow_within(enter: type) -> None:
    with enter(), surroundings():
        x = torch.ones(2, requires_grad=True)
        (x * x).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [2.0, 2.0]


def test_threads_compose_at_once() -> None:
    """Hydra has one state for the process."""
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda seed: compose([f"seed={seed}"]).plain("seed"), range(8)))
    assert found == list(range(8))
