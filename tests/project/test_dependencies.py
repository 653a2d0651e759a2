"""pyproject.toml declares what the sources import, constraints.txt pins it, and no file tells where it comes from."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LISTS = [ROOT / "requirements" / name for name in ("moge.txt", "depth_anything.txt")]
BARE = [line for file in LISTS for line in file.read_text().splitlines() if not line.startswith("#")]
IMPORT_NAMES = {  # distribution -> the package that it installs, where the two differ
    "dlr-moge": "moge",
    "dlr-utils3d": "utils3d",
    "grpcio": "grpc",
    "hydra-core": "hydra",
    "nvidia-ml-py": "pynvml",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "py-rattler": "rattler",
    "pyjwt": "jwt",
    "pyyaml": "yaml",
    "rerun-sdk": "rerun",
    "zipstream-ng": "zipstream",
}
UNDECLARED = {"rerun_cli"}  # comes with rerun-sdk
OF_EXTRAS = {"tools/gradio_app.py": ("gradio", "serve")}
"""Scripts that are of these extras, and say so in one sentence where they are not installed."""


def import_names(requirements: list[str]) -> set[str]:
    names = [Requirement(requirement).name for requirement in requirements]
    return {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}


def installed_with_the_base() -> list[str]:
    """The dependencies with what they require themselves."""
    found, rest = set(), list(PROJECT["dependencies"])
    while rest:
        requirement = Requirement(rest.pop())
        name = canonicalize_name(requirement.name)
        if name not in found and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
            rest += metadata.requires(name) or []
    return sorted(found)


def imported_in(folder: str) -> set[str]:
    """Top-level packages that a folder imports from outside this repository and the standard library."""
    files = [file for file in (ROOT / folder).rglob("*.py") if file.relative_to(ROOT).as_posix() not in OF_EXTRAS]
    return imported_by(files)


def imported_by(files: list[Path]) -> set[str]:
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    scripts = (file for other in ("tools", "research", "benchmarks") for file in (ROOT / other).rglob("*.py"))
    local = [*files, *scripts]  # tests import them
    ours = {"vistadream", "tests"} | {name for file in local for name in (file.stem, file.relative_to(ROOT).parts[1])}
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - ours


def test_every_import_is_declared():
    of_extras = [requirement for extra in EXTRAS.keys() - {"dev", "ci", "docs"} for requirement in EXTRAS[extra]]
    declared = import_names(PROJECT["dependencies"] + of_extras)
    assert imported_in("src") - declared - UNDECLARED == set()


@pytest.mark.parametrize("folder", ["tools", "research", "benchmarks", "examples", "tests"])
def test_what_a_checkout_needs_is_in_the_extra_dev(folder):
    declared = import_names(PROJECT["dependencies"] + EXTRAS["dev"] + BARE)
    assert imported_in(folder) - declared - UNDECLARED == set()


def test_every_dependency_is_imported():
    assert import_names(PROJECT["dependencies"]) - imported_in("src") - imported_in("tools") == set()


@pytest.mark.parametrize("folder", ["tools", "research"])
def test_a_tool_needs_what_every_installation_has(folder):
    assert imported_in(folder) - import_names(PROJECT["dependencies"]) == set()


@pytest.mark.parametrize(("script", "extras"), OF_EXTRAS.items())
def test_a_script_of_an_extra_needs_that_and_what_every_installation_has(script, extras):
    declared = import_names(PROJECT["dependencies"] + [each for extra in extras for each in EXTRAS[extra]])
    assert imported_by([ROOT / script]) - declared == set()


def test_the_documented_tools_start_without_any_extra():
    pages = "".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
    tools = sorted({path for path in re.findall(r"(?:tools|research)/\w+(?:\.py)?", pages) if (ROOT / path).exists()})
    assert "tools/analyze_gs_ply.py" in tools
    extras = import_names([r for extra in EXTRAS.values() for r in extra]) - import_names(installed_with_the_base())
    program = (
        "import runpy, sys\n"
        f"sys.modules |= dict.fromkeys({sorted(extras)})\n"  # an import of one of these is an ImportError
        "sys.path[:0] = ['tools', 'research']\n"  # as Python does for a program: its neighbors can be imported
        f"for tool in {tools}: runpy.run_path(tool, run_name='tool')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_constraints_pin_every_dependency_within_its_range():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = {canonicalize_name(name): Version(v) for name, v in (line.split("==") for line in lines)}
    of_extras = [requirement for extra in EXTRAS for requirement in EXTRAS[extra]]
    for requirement in map(Requirement, PROJECT["dependencies"] + of_extras):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier
    assert not [name for name, version in pins.items() if version.local], "no registry has a local version"


def test_no_file_names_a_registrys_host():
    hosts = re.compile(rb"p[y]pi\.|p[y]thonhosted|n[p]mjs\.|[a-z]+\.d[e]bian\.")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name.decode() for name in listed.stdout.rstrip(b"\0").split(b"\0")]
    assert [str(file) for file in files if file.is_file() and hosts.search(file.read_bytes())] == []
