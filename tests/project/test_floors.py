"""The house's floors and locks (docs/architecture.md), read off the sources' own import statements."""

import ast
import graphlib
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
PACKAGE = SRC / "vistadream"
SOURCES = sorted(PACKAGE.rglob("*.py"))
FLOORS = (
    ("core", "version"),
    ("ops",),
    ("assets", "colmap", "formats"),
    ("sources", "stages", "backends", "observers", "exporters", "trajectories"),
    ("runs",),
    ("config", "pipeline"),
    ("session",),
    ("app", "refinement"),
    ("workers",),
    ("service", "batch"),
    ("commands",),
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FRONT_DOOR = "vistadream"  # __init__.py: it may name any room


def room_of(module: str) -> str:
    """`vistadream.core.camera` -> `core`; the package itself -> FRONT_DOOR."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else FRONT_DOOR


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


def imports_of(file: Path) -> set[str]:
    """Dotted names that a file imports anywhere, function bodies included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute here"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(file: Path) -> set[str]:
    """Rooms of ours that a file imports from."""
    return {room_of(name) for name in imports_of(file) if name.split(".")[0] == "vistadream"}


def users_of(*packages: str) -> set[str]:
    """Our modules that import one of these packages."""
    return {module_of(f) for f in SOURCES if {name.split(".")[0] for name in imports_of(f)} & set(packages)}


def test_each_room_has_its_floor():
    assert {room_of(module_of(file)) for file in SOURCES} <= {FRONT_DOOR, *FLOOR}


@pytest.mark.parametrize("file", SOURCES, ids=module_of)
def test_imports_go_down(file):
    room = room_of(module_of(file))
    if room == FRONT_DOOR:
        return
    above = {r for r in ours(file) - {room} if r == FRONT_DOOR or FLOOR[r] >= FLOOR[room]}
    assert not above, f"{module_of(file)} (floor {FLOOR[room]}) imports from {above}"


def test_rerun_lives_in_one_place():
    assert {".".join(module.split(".")[:3]) for module in users_of("rerun")} <= {"vistadream.observers.rerun"}


def test_pycolmap_stays_in_its_process():
    child = "vistadream.colmap.child"
    assert {module.rpartition(".")[0] for module in users_of("pycolmap")} == {child}
    inside = [file for file in SOURCES if module_of(file).startswith(f"{child}.")]
    allowed = {"numpy", "pycolmap", *sys.stdlib_module_names}
    foreign = {name for file in inside for name in imports_of(file) if name.split(".")[0] not in allowed}
    assert foreign
    assert all(name.startswith(f"{child}.") for name in foreign)


def test_configuration_stays_at_the_top():
    assert {room_of(module) for module in users_of("hydra", "omegaconf")} <= {"config"}


def test_the_service_has_its_libraries_to_itself():
    assert {room_of(module) for module in users_of("fastapi", "starlette", "uvicorn", "sqlalchemy")} <= {"service"}


def test_engines_and_stores_have_their_libraries_to_themselves():
    batch = "vistadream.batch"
    assert users_of("ray", "grpc") <= {f"{batch}.engines.ray", "vistadream.service.ray_serve"}
    assert users_of("submitit") <= {f"{batch}.engines.slurm", f"{batch}.engines.slurm_task"}
    assert users_of("fsspec", "s3fs") <= {f"{batch}.remote"}


@pytest.mark.parametrize("folder", ["benchmarks", "research", "tools"])
def test_scripts_do_not_import_each_other_in_a_circle(folder):
    files = {file.stem: file for file in (SRC.parent / folder).glob("*.py")}
    siblings = {name: {module.split(".")[0] for module in imports_of(f)} & files.keys() for name, f in files.items()}
    graphlib.TopologicalSorter(siblings).prepare()


def test_source_never_prints():
    calls = [
        f"{module_of(file)}:{node.lineno}"
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not calls


def test_no_file_outgrows_its_noun():
    lengths = {module_of(file): len(file.read_text().splitlines()) for file in SOURCES}
    assert not {name: n for name, n in lengths.items() if n > 400}
