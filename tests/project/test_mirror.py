"""tests/ mirrors src/: whoever looks for the tests of a module finds them at the module's own place."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "src" / "vistadream"
OF_THE_REPOSITORY = {"project", "devices", "tools", "research", "benchmarks", "examples"}
"""Folders whose tests are about other things than one module."""
FILES = [file.relative_to(TESTS) for file in sorted(TESTS.rglob("test_*.py"))]


@pytest.mark.parametrize("file", [file for file in FILES if file.parts[0] not in OF_THE_REPOSITORY], ids=str)
def test_each_file_of_tests_has_the_place_and_name_of_a_module_or_package(file):
    tested = PACKAGE / file.with_name(file.name.removeprefix("test_"))
    script = tested.with_name(tested.stem.replace("_", "-") + ".js")
    assert tested.is_file() or (tested.with_suffix("") / "__init__.py").is_file() or script.is_file()


def test_each_folder_of_tests_is_known():
    folders = {folder.name for folder in TESTS.iterdir() if list(folder.rglob("test_*.py"))}
    assert folders - OF_THE_REPOSITORY <= {room.name for room in PACKAGE.iterdir() if room.is_dir()}
