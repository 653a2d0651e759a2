"""The figures are those of the Gaussians that were written."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import plyfile
import pytest
import torch
import tyro

from vistadream.core import Gaussians
from vistadream.formats.ply import write_ply

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., str]:
    """Calls the tool with the words of a command line; returns what it prints."""
    monkeypatch.syspath_prepend(str(TOOLS))
    import analyze_gs_ply

    def call(*words: str) -> str:
        code = analyze_gs_ply.main(tyro.cli(analyze_gs_ply.Options, args=words))
        said = capsys.readouterr()
        return said.out if code == 0 else f"exit code {code}: {said.err}"

    return call


@pytest.fixture
def ply(tmp_path: Path) -> Path:
    """Ten Gaussians twice as wide along x as along y, one of them turned by 90 degrees; one more has no position."""
    quats = torch.eye(4)[[0] * 11].clone()
    quats[3] = torch.tensor([0.5**0.5, 0, 0, 0.5**0.5])
    scales = torch.tensor([0.2, 0.1, 0.05]).repeat(11, 1)
    opacities = torch.tensor([0.06] * 3 + [0.96] * 8)
    gaussians = Gaussians(torch.arange(33.0).reshape(11, 3), quats, scales, opacities, torch.rand(11, 3))
    path = write_ply(gaussians, tmp_path / "g.ply")
    stored = plyfile.PlyData.read(str(path), mmap=False)
    stored["vertex"]["y"][10] = torch.nan
    stored.write(str(path))
    return path


def test_json_tells_sizes_shapes_opacities_and_faults(ply: Path, run) -> None:
    figures = json.loads(run(str(ply), "--json"))
    assert (figures["gaussians"], figures["not_finite"], figures["turned_under_5_deg"]) == (11, 1, 9)
    assert figures["scale"]["x"] == pytest.approx({"p10": 0.2, "median": 0.2, "p90": 0.2})
    assert figures["scale_ratio"]["x/y"]["median"] == pytest.approx(2)
    assert figures["anisotropy"]["p90"] == pytest.approx(4)
    assert figures["opacity_histogram"] == [3, 0, 0, 0, 0, 0, 0, 0, 0, 7]
    assert figures["bounds"]["z"] == [2, 29]
    assert figures["not_finite_in"] == {"y": 1}
    assert figures["harmonics_degree"] == 0
    assert figures["zero_quaternions"] == 0


def test_lines_are_for_people(ply: Path, run) -> None:
    said = run(str(ply))
    assert "gaussians: 11" in said
    assert "x/y: p10 2  median 2  p90 2" in said


def test_plot_draws_a_histogram_of_every_distribution(ply: Path, tmp_path: Path, run) -> None:
    assert "gaussians: 11" in run(str(ply), "--plot", str(tmp_path / "h.svg"))
    drawn = ET.parse(tmp_path / "h.svg").getroot()
    titles = [text.text for text in drawn.findall("{*}text")]
    assert titles[:3] == ["scale x", "scale y", "scale z"]
    assert titles[4:] == ["opacity", "rotation in degrees"]
    opacity = drawn.findall("{*}svg")[4].findall("{*}rect")
    heights = [float(bar.get("height")) for bar in opacity]
    assert heights[38] == max(heights)
    assert heights[2] == pytest.approx(max(heights) * 3 / 7, rel=0.01)
    assert sum(height > 0 for height in heights) == 2


def test_hopeless_values_are_counted_and_give_json_that_any_program_reads(ply: Path, tmp_path: Path, run) -> None:
    """A scale beyond all numbers, one below all, a zero quaternion; then a file in which nothing is finite."""
    stored = plyfile.PlyData.read(str(ply), mmap=False)
    stored["vertex"]["scale_0"][:2] = 3e38, -3e38
    for i in range(4):
        stored["vertex"][f"rot_{i}"][4] = 0
    stored.write(str(ply))
    figures = json.loads(run(str(ply), "--json"), parse_constant=pytest.fail)
    assert figures["zero_quaternions"] == 1
    assert "Gaussians" not in run(str(ply), "--plot", str(tmp_path / "h.svg"))
    stored["vertex"]["x"][:] = torch.inf
    stored.write(str(ply))
    assert json.loads(run(str(ply), "--json"))["not_finite_in"]["x"] == 11
    assert "nothing to draw" in run(str(ply), "--plot", str(tmp_path / "none.svg"))
    assert not (tmp_path / "none.svg").exists()


def test_a_file_that_is_no_ply_ends_with_its_name_and_the_fault(tmp_path: Path, run) -> None:
    (tmp_path / "a.ply").write_text("hello")
    for path in (tmp_path / "a.ply", tmp_path / "none.ply"):
        assert run(str(path)).startswith(f"exit code 2: analyze_gs_ply: {path}")
