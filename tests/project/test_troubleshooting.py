"""docs/troubleshooting.md explains lines that the program really prints."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
QUOTED = [line for block in re.findall(r"```log\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def said(node: ast.AST) -> str | None:
    """A string of the source with an ellipsis for every value; None for other nodes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%[\d.]*[sdfg]", "…", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(said(part) or "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = said(node.left), said(node.right)
        return None if left is None else left + (right or "…")
    return None


@pytest.fixture(scope="module")
def everything() -> str:
    """All strings of the package, one a line."""
    files = sorted((ROOT / "src" / "vistadream").rglob("*.py"))
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return "\n".join(words for node in nodes if (words := said(node)))


def test_there_are_lines():
    assert len(QUOTED) > 5


@pytest.mark.parametrize("line", QUOTED)
def test_each_quoted_line_is_one_that_we_print(line, everything):
    assert line in everything


def test_each_knob_it_names_is_one():
    from vistadream.config import compose

    knobs = compose([]).knobs()
    named = set(re.findall(r"`((?:rerun|stages|export)\.[\w.]+)", PAGE + (ROOT / "docs" / "remote.md").read_text()))
    assert named
    assert named <= set(knobs)
