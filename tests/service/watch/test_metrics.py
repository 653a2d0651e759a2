"""The dashboard of docs/ and the figures that it asks for."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from vistadream.service.watch import metrics
from vistadream.service.watch.gpu import Gpu
from vistadream.service.watch.metrics import Metrics, Sources
from vistadream.service.watch.timings import Timing

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana.json"


@pytest.fixture
def samples(monkeypatch):
    """Every sample that a service with a GPU has after a request and a job: labels by name."""
    monkeypatch.setattr(metrics, "gpus", lambda: [Gpu(5, 80, 0.5)])
    figures = Metrics()
    ended = iter([[Timing("a", 2.0, {"load": 1.0})]])
    figures.read(Sources(dict, lambda: 0, lambda: 0, lambda: 0, dict, lambda: (3, 4), lambda: next(ended)))
    figures.request("/v1/jobs", "GET", 200, 0.01)
    families = text_string_to_metric_families(figures.text().decode())
    return {sample.name: {"le", *sample.labels} for family in families for sample in family.samples}


def expressions():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_the_dashboard_asks_for_what_is_there(samples):
    assert len(expressions()) > 10
    for expression in expressions():
        names = re.findall(r"vistadream_\w+", expression)
        assert names, expression
        labels = set().union(*(samples[name] for name in names))
        for group in re.findall(r"(?:by|ignoring) \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", group)) <= labels, expression
        assert set(re.findall(r"(\w+)=\"", expression)) <= labels, expression


def test_every_figure_is_on_the_dashboard(samples):
    shown = set(re.findall(r"vistadream_\w+", " ".join(expressions())))
    stems = {re.sub(r"_(bucket|sum|count)$", "", name) for name in samples}
    assert stems == {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
