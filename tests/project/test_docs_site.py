"""The documentation site, checked without mkdocs: every page has a place in the navigation, and every link a target."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import vistadream
from vistadream import core

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FROM_ROOT = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site that .ci/site_pages.py makes from files of the root."""
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [*PAGES, *(ROOT / name for name in FROM_ROOT.values())]


def entries(nav: list | dict | str) -> list[str]:
    """The pages that a part of the navigation names; `folder/` stands for all pages in it (.ci/site_pages.py)."""
    if isinstance(nav, str):
        pages = (DOCS / nav).glob("*.md") if nav.endswith("/") else [DOCS / nav]
        return [page.relative_to(DOCS).as_posix() for page in pages]
    return [page for part in (nav.values() if isinstance(nav, dict) else nav) for page in entries(part)]


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def test_the_navigation_names_every_page_once():
    named = entries(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(named) == sorted([*FROM_ROOT, *(page.relative_to(DOCS).as_posix() for page in PAGES)])


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_to_files_have_a_target(file):
    links = re.findall(r"\]\(([^)\s#]+)", without_code(file.read_text()))
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in local if not (file.parent / link).exists()]


def test_no_page_loads_anything_from_another_server():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert site["theme"]["font"] is False
    assert not {"analytics", "consent"} & set(site.get("extra", {}))
    pictures = [link for file in TEXTS for link in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", file.read_text())]
    assert not [link for link in pictures if link.startswith("http")]


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_row_belongs_to_a_table_with_a_head(file):
    """A blank line ends a table, and what follows it is shown as text."""
    for block in re.split(r"\n\s*\n", file.read_text()):
        first, *rest = [line for line in block.splitlines() if line.startswith("|")] or [""]
        assert not first or (rest and re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", rest[0])), first


def of_the_api() -> list[str]:
    """What the page of the Python API names."""
    return re.findall(r"^::: ([\w.]+)$", (DOCS / "api.md").read_text(), re.MULTILINE)


def test_the_page_of_the_api_names_every_function_and_every_class_of_core():
    wanted = {f"vistadream.{name}" for name in vistadream.__all__ if name != "__version__"}
    wanted |= {f"vistadream.core.{name}" for name in core.__all__ if inspect.isclass(getattr(core, name))}
    assert len(wanted) > 20
    assert wanted - set(of_the_api()) == set()


@pytest.mark.parametrize("name", of_the_api())
def test_what_the_page_of_the_api_names_exists_and_has_a_docstring(name):
    module, _, member = name.rpartition(".")
    assert inspect.getdoc(getattr(import_module(module), member))
