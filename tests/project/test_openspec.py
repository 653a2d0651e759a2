"""Each spec has the shape that `openspec validate --strict` asks for, and each scenario a test that exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "openspec" / "specs").glob("*/spec.md"))


def sections(text: str, level: int) -> list[tuple[str, str]]:
    """(title, body) of each heading of this level; the body runs to the next heading of this level or above."""
    parts = re.split(rf"^(#{{1,{level}}}) (.*)$", text, flags=re.MULTILINE)
    found = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return [(title.strip(), body.strip()) for marks, title, body in found if len(marks) == level]


def scenarios() -> list[tuple[str, str]]:
    """(`capability: scenario`, body) of every spec."""
    return [
        (f"{spec.parent.name}: {title}", body) for spec in SPECS for title, body in sections(spec.read_text(), level=4)
    ]


def cases_in(file: Path) -> set[str]:
    """Test functions of a file, as pytest names them without parameters."""
    tree = ast.parse(file.read_text())
    classes = [(f"{c.name}::", c.body) for c in tree.body if isinstance(c, ast.ClassDef)]
    return {
        prefix + node.name
        for prefix, body in [("", tree.body), *classes]
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_there_are_specs():
    assert SPECS


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.parent.name)
def test_spec_has_its_shape(spec):
    text = spec.read_text()
    assert text.startswith(f"# {spec.parent.name} Specification\n")
    parts = dict(sections(text, level=2))
    assert list(parts) == ["Purpose", "Requirements"]
    assert len(parts["Purpose"]) >= 50
    requirements = [(t.removeprefix("Requirement: "), b) for t, b in sections(text, level=3)]
    assert requirements
    for title, body in requirements:
        statement, *cases = re.split(r"^#### Scenario: ", body, flags=re.MULTILINE)
        assert re.search(r"\b(SHALL|MUST)\b", statement), title
        assert cases, f"{title}: no scenario"


@pytest.mark.parametrize(("name", "body"), scenarios(), ids=lambda value: value if ": " in value else "")
def test_scenario_is_proven(name, body):
    steps = re.findall(r"^- \*\*(WHEN|THEN|AND|GIVEN|PROVEN BY)\*\* \S", body, flags=re.MULTILINE)
    assert {"WHEN", "THEN", "PROVEN BY"} <= set(steps)
    proofs = re.findall(r"^- \*\*PROVEN BY\*\* (.*)$", body, flags=re.MULTILINE)
    for proof in ", ".join(proofs).split(", "):
        file, _, test = proof.partition("::")
        assert (ROOT / file).is_file(), proof
        assert test in cases_in(ROOT / file), proof
