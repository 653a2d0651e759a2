"""pixi.toml, pixi.lock and requirements/pixi.txt say one thing, and it is what pyproject.toml asks for.

Pixi itself is not at hand in CI; these are the checks that it makes of a manifest and a lock of format 7
(https://pixi.prefix.dev/latest/reference/pixi_manifest/).
"""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

rattler = pytest.importorskip("rattler", reason="py-rattler, of the extra `dev`, reads the lock")

ROOT = Path(__file__).parents[2]
PIXI = tomllib.loads((ROOT / "pixi.toml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = rattler.LockFile.from_path(str(ROOT / "pixi.lock"))  # raises on a bad digest or a dangling reference
PLATFORMS = {p.name: dict(v.split("=")[:2] for v in p.virtual_packages) for p in LOCK.platforms()}
RECORDS = {
    (name, platform.name): {r.name.normalized: r for r in environment.conda_repodata_records_for_platform(platform)}
    for name, environment in LOCK.environments()
    for platform in environment.platforms()
}
PINS = {
    canonicalize_name(name): Version(version)
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)$", (ROOT / "requirements" / "pixi.txt").read_text(), re.M)
}
DISTRIBUTIONS = {  # the channel's name -> the Python distribution that it provides
    "antlr-python-runtime": "antlr4-python3-runtime",
    "py-opencv": "opencv-python-headless",
    "pytorch": "torch",
}

TASKS = PIXI["tasks"] | {f"{name} with a GPU": t for name, t in PIXI["target"]["linux-64-cuda"]["tasks"].items()}

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
in_every_environment = pytest.mark.parametrize(("environment", "platform"), sorted(RECORDS))


def tables_of(environment: str) -> list[dict]:
    """The manifest's tables that make up an environment."""
    return [PIXI] + [PIXI["feature"][name] for name in PIXI["environments"][environment]]


def name_of(spec: str) -> str:
    return rattler.MatchSpec(spec).name.normalized


def admits(spec: str, packages: dict, virtual: dict[str, str]) -> bool:
    """Whether the package, or the virtual package, of this match spec's name is there and in its range."""
    match = rattler.MatchSpec(spec)
    name = match.name.normalized
    if name.startswith("__"):
        wanted = rattler.VersionSpec(str(match.version)) if match.version else None
        return name in virtual and (wanted is None or wanted.matches(rattler.Version(virtual[name])))
    return name in packages and match.matches(packages[name])


def python_packages(environment: str, platform: str) -> dict[str, Version]:
    """Python distributions of an environment once `pixi run setup` has run in it."""
    locked = {
        canonicalize_name(DISTRIBUTIONS.get(name, name)): Version(str(record.version))
        for name, record in RECORDS[environment, platform].items()
        if any(name_of(spec) in ("python", "python_abi") for spec in record.depends)
    }
    return locked | PINS


def unmet(requirements: list[str], have: dict[str, Version]) -> list[str]:
    """Requirements on Python 3.12 without extras that no package of `have` meets."""
    python = {"extra": "", "python_version": "3.12", "python_full_version": "3.12.0"}
    needed = [r for r in map(Requirement, requirements) if not r.marker or r.marker.evaluate(python)]
    return [str(r) for r in needed if (v := have.get(canonicalize_name(r.name))) is None or v not in r.specifier]


def test_manifest_fits_pixis_schema(test_data):
    schema = json.loads((test_data / "pixi" / "pixi.schema.json").read_text())
    pytest.importorskip("jsonschema").validate(PIXI, schema)


def test_manifest_keeps_the_tables_that_the_lock_was_solved_for(test_data):
    solved = tomllib.loads((test_data / "pixi" / "pixi.toml.fragment").read_text())
    kept = {**PIXI, "workspace": {key: PIXI["workspace"][key] for key in solved["workspace"]}}
    assert {table: kept[table] for table in solved} == solved


def test_lock_has_the_manifests_platforms():
    derived = {"__unix": "0", "__linux": "4.18", "__glibc": "2.28", "__archspec": "0"}
    named = [{"name": p} if isinstance(p, str) else p for p in PIXI["workspace"]["platforms"]]
    assert {p["name"]: derived | ({"__cuda": p["cuda"]} if "cuda" in p else {}) for p in named} == PLATFORMS


def test_lock_has_the_manifests_environments():
    wanted = {
        (environment, platform)
        for environment in PIXI["environments"]
        for platform in PLATFORMS
        if all(platform in table.get("platforms", PLATFORMS) for table in tables_of(environment))
    }
    assert set(RECORDS) == wanted


@in_every_environment
def test_lock_is_closed_and_in_the_manifests_ranges(environment, platform):
    packages, virtual = RECORDS[environment, platform], PLATFORMS[platform]
    wanted = [f"{name} {v}" for table in tables_of(environment) for name, v in table.get("dependencies", {}).items()]
    needed = wanted + [spec for record in packages.values() for spec in record.depends]
    limits = [spec for record in packages.values() for spec in record.constrains if name_of(spec) in packages | virtual]
    assert not [spec for spec in needed + limits if not admits(spec, packages, virtual)]


@in_every_environment
def test_lock_records_are_complete_and_of_one_channel(environment, platform):
    for name, record in RECORDS[environment, platform].items():
        assert record.sha256, name
        assert record.md5, name
        assert record.size, name
        assert record.url.split("/")[2:4] == ["conda.anaconda.org", "conda-forge"]


@pytest.mark.parametrize(
    ("environment", "platform", "extras"),
    [
        ("default", "linux-64", ["heic", "models"]),
        ("default", "linux-64-cuda", ["heic", "models", "gpu"]),
        ("dev", "linux-64", ["models", "dev"]),
        ("cuda", "linux-64-cuda", ["models", "gpu", "dev"]),
    ],
)
def test_pixi_environment_meets_pyproject(environment, platform, extras):
    optional = PROJECT["optional-dependencies"]
    asked = PROJECT["dependencies"] + [r for extra in extras for r in optional[extra]]
    assert not unmet(asked, python_packages(environment, platform))


@in_every_environment
def test_pip_part_replaces_nothing_of_the_lock_but_what_it_says(environment, platform):
    names = {canonicalize_name(DISTRIBUTIONS.get(name, name)): r for name, r in RECORDS[environment, platform].items()}
    assert {n for n, v in PINS.items() if n in names and Version(str(names[n].version)) != v} == {"safetensors"}


@in_every_environment
def test_every_environment_can_paint_with_klein(environment, platform):
    assert python_packages(environment, platform)["diffusers"] >= Version("0.38")


def test_where_tasks_run_with_a_gpu_there_is_all_that_gsplat_is_built_with():
    """torch's CUDA and nvcc of one version, a C++ compiler and ninja; the tasks' lines are otherwise the same."""
    by_default = {name: task for name, task in PIXI["tasks"].items() if task["default-environment"] == "default"}
    with_gpu = PIXI["target"]["linux-64-cuda"]["tasks"]
    assert with_gpu.keys() == by_default.keys()
    for name, task in with_gpu.items():
        assert task["default-environment"] == "cuda"
        assert strip_environment(task) == strip_environment(by_default[name])
    records = RECORDS["cuda", "linux-64-cuda"]
    assert {"gxx", "ninja", "cuda-cudart-dev"} <= records.keys()
    torch_build, nvcc = str(records["pytorch"].build), str(records["cuda-nvcc"].version)
    assert torch_build.startswith("cuda" + "".join(nvcc.split(".")[:2]))


def strip_environment(task: dict) -> dict:
    """A task without the places that name its environment."""
    bare = [needs if isinstance(needs, str) else needs["task"] for needs in task.get("depends-on", [])]
    return {**task, "default-environment": "", "depends-on": bare}


@in_every_environment
def test_pip_part_is_closed_over_the_lock(environment, platform):
    """A pin installed here in that very version tells by its own metadata what it needs."""
    have = python_packages(environment, platform)
    here = {name: d for d in metadata.distributions() if (name := canonicalize_name(d.name)) in PINS}
    pinned = {name: d.requires or [] for name, d in here.items() if Version(d.version) == PINS[name]}
    assert "rerun-sdk" in pinned, "the constraints pin what requirements/pixi.txt pins"
    assert {name: bad for name, requires in pinned.items() if (bad := unmet(requires, have))} == {}


@every_task
def test_task_passes_its_arguments_on(task):
    assert "args" not in task, "with args, `pixi run single-img +image=x.png` would be refused"
    assert task["default-environment"] in PIXI["environments"]
    assert all((ROOT / script).is_file() for script in re.findall(r"\S+\.py\b", task["cmd"]))


@every_task
def test_task_sets_up_its_own_environment(task):
    if task["cmd"] == PIXI["tasks"]["setup"]["cmd"]:
        return
    (needs,) = task["depends-on"]  # a bare name runs in the environment `default`
    needs = {"task": needs, "environment": "default"} if isinstance(needs, str) else needs
    assert needs == {"task": "setup", "environment": task["default-environment"]}


def test_setup_is_remembered_by_a_file_that_pip_writes():
    setup = PIXI["tasks"]["setup"]
    assert "--no-deps" in setup["cmd"]
    assert setup["inputs"] == ["requirements/pixi.txt"]
    (output,) = setup["outputs"]
    python, distribution = re.search(r"/lib/python([\d.]+)/site-packages/(\w+)-\*\.dist-info/RECORD$", output).groups()
    assert PIXI["dependencies"]["python"] == f"{python}.*"
    assert canonicalize_name(distribution) in PINS
