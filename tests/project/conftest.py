"""What the tests of whole runs share: which files a run leaves, by docs/outputs.md, and which must not differ."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "outputs.md"


@pytest.fixture(scope="session")
def documented() -> list[tuple[str, str]]:
    """Rows of docs/outputs.md: a path, with * and ? for any name, and when it is there."""
    return re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", PAGE.read_text(), re.M)


@pytest.fixture(scope="session")
def fits() -> Callable[[str, str], bool]:
    """Whether a path is one of those that a row of the page names."""

    def answer(path: str, glob: str) -> bool:
        return re.fullmatch(re.escape(glob).replace(r"\*", "[^/]*").replace(r"\?", "[^/]"), path) is not None

    return answer


@pytest.fixture(scope="session")
def assert_as_documented(documented, fits) -> Callable[[Path, Sequence[str]], None]:
    """Every file of a finished run has its row, and every row that promises a file for this kind of run has one."""

    def check(folder: Path, promises: Sequence[str]) -> None:
        left = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
        assert [path for path in left if not any(fits(path, glob) for glob, _ in documented)] == []
        promised = [glob for glob, when in documented if when.startswith(tuple(promises)) or "(default)" in when]
        assert len(promised) > 15
        assert [glob for glob in promised if not any(fits(path, glob) for path in left)] == []

    return check


@pytest.fixture(scope="session")
def results() -> Callable[[Path], dict[str, bytes]]:
    """What must not differ between equal runs: every stage's views, points and Gaussians, and the export."""

    def read(folder: Path) -> dict[str, bytes]:
        stages = [path for glob in ("views/*", "gaussians.ply", "points.*") for path in folder.glob(f"0*/{glob}")]
        exported = folder / "export" / "gaussians.ply"
        return {str(p.relative_to(folder)): p.read_bytes() for p in [*stages, exported] if p.exists()}

    return read
