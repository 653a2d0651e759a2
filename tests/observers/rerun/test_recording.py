"""A recording that is made after the run has what the report has, in the order of the fits."""

from types import SimpleNamespace

import pytest
import torch

from vistadream.config import compose
from vistadream.core import Chart, Note, Scene, Summary
from vistadream.observers.record import Record
from vistadream.observers.rerun.recording import FILE, seen


@pytest.fixture
def record(view):
    """Of a run with two stages and a fit of three steps."""
    record = Record()
    record("load/photo", view)
    record("load/size", Note("64 px wide"))
    for step in range(3):
        record("coarse/01/loss", 0.5 - 0.1 * step, step)
        record("coarse/01/rate", 0.01, step)
    record("coarse/choice", Chart("holes", (0.0, 1.0), (0.2, 0.4), (0.1, 0.3), 0))
    record("coarse/summary", Summary("one frame", {}))
    return record


def test_curves_of_one_fit_go_on_together(record):
    assert [(name, step) for name, value, step in seen("coarse", record) if step is not None] == [
        (f"coarse/01/{curve}", step) for step in range(3) for curve in ("loss", "rate")
    ]


def test_each_stage_has_its_own(record):
    assert {name for name, *_ in seen("load", record)} == {"load/photo/rgb", "load/photo/z", "load/size"}
    assert [name for name, *_ in seen("coarse", record)][-2:] == ["coarse/choice", "coarse/summary"]


def test_the_file_has_it_all_and_the_scene(record, view, gaussians, read, tmp_path):
    write = compose(["export=[recording]"]).build("export")["recording"]
    facts = {"stages": {"load": {"seconds": 1.0}, "coarse": {"seconds": 2.0}}}
    context = SimpleNamespace(stage="coarse", record=record, facts=lambda: facts, title="kitchen")
    write(Scene((view,), gaussians), tmp_path, context)
    found = read(tmp_path / FILE)
    assert {"/load/photo/rgb", "/coarse/choice/chosen", "/coarse/input/rgb", "/coarse/gaussians"} <= set(found)
    assert torch.allclose(torch.as_tensor(found.values("/coarse/loss", "step")).diff(), torch.ones(2, dtype=int))
    assert "GaussianSplats3D:centers" in " ".join(found["/coarse/gaussians"])
