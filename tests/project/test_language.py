"""The language rule of CONTRIBUTING.md, for documentation, comments of conf/ and docstrings of src/."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARCHAIC = ["lest", "amiss", "whence", "thereby", "beside", "so many(?:-?th)?", "(?:told|tells) of"]
FOR_IS_NOT_A = [r"is no (?!longer\b)\w+ (?:of|that|to)"]
BRITISH = [
    r"\w*colour\w*", "grey(?:s|scale)?", r"(?:re)?cent(?:re[ds]?|ring)", "(?:kilo|centi|milli)?metres?",
    r"(?:neighbour|behaviour|favour|harbour)\w*", r"licence[sd]?", "defence", "catalogues?",
    r"\w*(?:optim|normal|initial|linear|regular|minim|maxim|recogn|vector|serial|summar|organ|visual)"
    "is(?:e[drs]?|ers|ing|ations?)",
]  # fmt: skip
BANNED = re.compile(rf"\b(?:{'|'.join([*ARCHAIC, *FOR_IS_NOT_A, *BRITISH])})\b", re.IGNORECASE)


def prose(file: Path) -> str:
    """What people read in a file, without code."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        nodes = ast.walk(ast.parse(text))
        text = "\n".join(
            node.value.value
            for node in nodes
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
    elif file.suffix == ".yaml":
        text = "\n".join(re.findall(r"(?:^|\s)#\s(.*)$", text, re.MULTILINE))
    elif file.name == "CHANGELOG.md":
        text = text.partition("## [Unreleased]")[2].partition("\n## [")[0]
    return re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL)


def files() -> Iterator[str]:
    """Every file that the rule is about, by its path from the root."""
    yield from ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
    for folder, pattern in (("docs", "*.md"), ("conf", "*.yaml"), ("src", "*.py")):
        yield from sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / folder).rglob(pattern))


def offenses(file: str) -> list[str]:
    return [found.group() for found in BANNED.finditer(prose(ROOT / file))]


@pytest.mark.parametrize("file", sorted(files()))
def test_the_language_is_plain(file):
    assert offenses(file) == []


@pytest.mark.parametrize("words", ["lest it fail", "one beside it", "is no file of ours", "The Centre", "recentred"])
def test_the_rule_finds(words):
    assert BANNED.search(words)


@pytest.mark.parametrize("words", ["the latest", "besides", "is no longer to be seen", "color", "promised", "precise"])
def test_the_rule_passes(words):
    assert not BANNED.search(words)
