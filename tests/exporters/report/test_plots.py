"""Charts that stand alone are well-formed SVG whose marks lie where the numbers say."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from vistadream.exporters.report.plots import change_chart, histogram, write_sheet
from vistadream.exporters.report.svg import HEIGHT, WIDTH, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def marks(chart: str, kind: str) -> list[dict[str, float]]:
    """Numbers of each element of that class."""
    found = [element.attrib for element in ET.fromstring(chart).iter() if element.get("class") == kind]
    return [{key: float(value) for key, value in mark.items() if key != "class"} for mark in found]


def test_a_sheet_is_one_picture_of_all_charts_that_have_something_to_draw(tmp_path: Path) -> None:
    charts = {"loss & more": line_chart([(0, 3), (1, 1)]), "nothing": line_chart([]), "none": change_chart([])}
    root = ET.parse(write_sheet(tmp_path / "s.svg", charts | {"bars": histogram([0, 1, 2], [3, 4])})).getroot()
    assert [text.text for text in root.findall(f"{SVG}text")] == ["loss & more", "bars"]
    panels = root.findall(f"{SVG}svg")
    assert len(panels) == 2
    for panel in panels:
        assert float(panel.get("x")) + WIDTH <= float(root.get("width"))
        assert float(panel.get("y")) + HEIGHT <= float(root.get("height"))


def test_each_row_goes_from_its_value_before_to_its_value_after() -> None:
    chart = change_chart([("a", 1.0, 3.0), ("left <out>", None, 2.0), ("b", 2.0, 1.0)])
    before, after = ([mark["cx"] for mark in marks(chart, kind)] for kind in ("from", "mark"))
    assert before[0] == after[1] < before[1] < after[0] <= WIDTH
    assert "out" not in chart
    rows = [(f"view {i}", float(i), float(-i)) for i in range(60)]
    assert max(mark["cy"] for mark in marks(change_chart(rows), "mark")) < HEIGHT


@pytest.mark.parametrize("edges", [[0.0, 1.0, 2.0, 4.0], [0.001, 0.1, 10.0, 1000.0]])
def test_bars_are_as_tall_as_their_counts_and_as_wide_as_their_bins(edges: list[float]) -> None:
    bars = marks(histogram(edges, [10, 0, 5], log=edges[0] > 0), "bar")
    assert bars[1]["height"] == 0
    assert bars[0]["height"] == pytest.approx(2 * bars[2]["height"], abs=0.2)
    assert bars[0]["x"] + bars[0]["width"] == pytest.approx(bars[1]["x"], abs=0.2)
    if edges[0]:
        assert bars[0]["width"] == pytest.approx(bars[2]["width"], abs=0.2), "decades are even on a logarithmic axis"
