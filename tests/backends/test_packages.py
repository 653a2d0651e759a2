"""`packages.INSTALL` is the one table of install commands: whatever else names one agrees with it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from vistadream.backends.packages import INSTALL, installed
from vistadream.config import groups
from vistadream.config.backends import needs

ROOT = Path(__file__).parents[2]
COMMANDS = set(INSTALL.values())
PINNED = {command for command in COMMANDS if "--no-deps" in command}
DISTRIBUTION = {"huggingface_hub": "huggingface-hub"}


def test_every_package_that_a_backend_needs_has_its_command():
    named = {
        package
        for group, names in groups().items()
        if group.startswith("backends/")
        for name in names
        for package in needs(group.removeprefix("backends/"), name).packages
    }
    assert named == INSTALL.keys()


@pytest.mark.parametrize("file", ["moge.txt", "depth_anything.txt"])
def test_a_requirements_file_has_the_pins_of_a_command(file):
    lines = (ROOT / "requirements" / file).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert f"pip install --no-deps {' '.join(pins)}" in PINNED


def test_every_command_with_pins_has_its_requirements_file():
    assert len(PINNED) == 2


@pytest.mark.parametrize("file", ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))])
def test_a_page_gives_the_commands_of_the_table(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    pinned = re.findall(r"pip install --no-deps ((?:[\w.-]+==[\w.]+ ?)+)", text)
    assert {f"pip install --no-deps {pins.strip()}" for pins in pinned} <= PINNED
    extras = re.findall(r"pip install '(vistadream\[\w+\])'", text)
    assert {extra.partition("[")[2].rstrip("]") for extra in extras} <= extras_of_the_project().keys()


@pytest.mark.parametrize("package", sorted(INSTALL))
def test_an_extra_of_a_command_installs_the_package(package):
    extra = re.fullmatch(r"pip install 'vistadream\[(\w+)\]'", INSTALL[package])
    if extra:
        names = {Requirement(line).name for line in extras_of_the_project()[extra[1]]}
        assert DISTRIBUTION.get(package, package) in names


def test_a_package_without_init_is_installed_and_an_empty_folder_is_not(tmp_path, monkeypatch):
    """As depth_anything_3 is published."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "bare_package" / "model").mkdir(parents=True)
    assert not installed("bare_package")
    (tmp_path / "bare_package" / "api.py").touch()
    assert installed("bare_package")
    assert not installed("bare_package.model.net")
    (tmp_path / "bare_package" / "model" / "net.py").touch()
    assert installed("bare_package.model.net")


def extras_of_the_project() -> dict[str, list[str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
