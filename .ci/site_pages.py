"""A hook of mkdocs: README, CONTRIBUTING and CHANGELOG become pages of the site, read from where they are."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
NAMES = "|".join(map(re.escape, PAGES))


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
