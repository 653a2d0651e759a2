"""Hooks of mkdocs: README, CONTRIBUTING and CHANGELOG become pages of the site; the navigation may name a folder."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
NAMES = "|".join(map(re.escape, PAGES))


def on_config(config: MkDocsConfig) -> None:
    """An entry `Title: folder/` of the navigation becomes all pages of that folder."""
    config.nav = [{title: _pages_of(part) for title, part in entry.items()} for entry in config.nav or []]


def _pages_of(part: str | list) -> str | list:
    if isinstance(part, list) or not part.endswith("/"):
        return part
    docs = ROOT / "docs"
    return [page.relative_to(docs).as_posix() for page in sorted((docs / part).glob("*.md"), key=_readme_first)]


def _readme_first(page: Path) -> tuple[bool, str]:
    return page.name != "README.md", page.name


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each of these files, with its links as they are seen from docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=as_page((ROOT / source).read_text(encoding="utf-8"))))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Links from docs/ to these files lead to their pages."""
    return re.sub(rf"\]\(((?:\.\./)*)\.\./({NAMES})", lambda m: f"]({m[1]}{PAGES[m[2]]}", markdown)


def as_page(text: str) -> str:
    """The text with its relative links, and the pictures' addresses, rewritten from the root to docs/."""
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(rf"\]\(({NAMES})", lambda m: f"]({PAGES[m[1]]}", text)
