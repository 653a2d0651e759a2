"""Where a run computes: what `device=` means, and what it forbids."""

from __future__ import annotations

import pytest

from vistadream.app import job_from_words
from vistadream.backends.device import device_of
from vistadream.backends.machine import Machine
from vistadream.backends.render.gsplat import GsplatRenderer
from vistadream.config import compose, configured
from vistadream.core import UserError

ON_THE_CPU = configured("backends/render=cpu")
ON_THE_GPU = configured("backends/render=gsplat")


def test_auto_is_where_the_renderer_draws() -> None:
    assert device_of("auto", ON_THE_CPU).name == "cpu"
    assert device_of("auto", ON_THE_GPU).name == "cuda"
    assert GsplatRenderer.__name__ in device_of("auto", ON_THE_GPU).reason
    assert device_of("auto", lambda gaussians, cameras, **how: []).name == "cpu"  # an object of a program


def test_what_is_asked_for_is_taken_where_torch_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert device_of("cuda", ON_THE_CPU).name == "cuda"
    assert device_of("cpu", ON_THE_GPU).name == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    for missing in ("cuda", "mps"):
        with pytest.raises(UserError, match=f"device={missing}: torch sees no such device"):
            device_of(missing, ON_THE_CPU)


def test_a_word_that_is_no_device_is_refused() -> None:
    with pytest.raises(UserError, match="device=gpu is no choice; wanted one of auto, cpu, cuda, mps"):
        compose(["device=gpu"])


def test_models_take_the_device_of_the_run_unless_they_have_their_own() -> None:
    for words, device in (([], "auto"), (["device=cpu"], "cpu"), (["backends.depth.device=cpu"], "cpu")):
        assert compose(["backends/depth=moge", *words]).config.backends.depth.device == device


def test_without_a_gpu_in_a_run_auto_takes_no_backend_that_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rich = Machine(cuda=True, packages=frozenset({"gsplat"}), compiler=True)
    for where in ("vistadream.backends.auto", "vistadream.config.composed"):
        monkeypatch.setattr(f"{where}.this_machine", lambda: rich)
    assert compose([]).choices["render"].name == "gsplat"
    assert compose(["device=cpu"]).choices["render"].name == "cpu"


def test_a_run_says_where_it_computes_and_why() -> None:
    job = job_from_words([])
    assert job.device == "cpu"
    assert job.described.facts["device"] == {"name": "cpu", "why": "where CpuRenderer draws"}
    assert "device: cpu (where CpuRenderer draws)" in [note.text for _, note in job.notes]
