"""Words and run folders from outside are data: each way to start a program or to reach another file plants nothing."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class
from omegaconf import OmegaConf

from vistadream.app import run
from vistadream.config import compose, conf_folder, saved_words
from vistadream.config.files import targets
from vistadream.core import UserError
from vistadream.formats.scene import load_scene
from vistadream.runs.folder import RunFolder

SMALL = ("max_resolution=64", "stages.initialize.steps=1", "rerun.mode=off", "export.videos=[]", "stage=no-outpaint")
BUILDS = [
    "+backends.depth.x={TOUCH}",
    "++backends.depth={TOUCH}",
    "+backends.depth.x=[1,{TOUCH}]",
    "+backends.depth.x={a:{b:[[{TOUCH}]]}}",
    "+stages.load.x={TOUCH}",
    "+stages.coarse.rates.x={TOUCH}",
    "+export.x={TOUCH}",
    "+rerun.x={TOUCH}",
    "+camera.x={TOUCH}",
    "trajectory={TOUCH}",
    "backends.depth._target_=subprocess.Popen",
    "backends.depth._target_=vistadream.formats.video.subprocess.Popen",
    "backends.depth._target_=vistadream.runs.folder.os.system",
    "backends.depth._target_=vistadream.backends.packages.load",
    "backends.depth._target_=vistadream.formats.video.VideoFile",
    "export._target_=subprocess.Popen",
    "+export._target_=subprocess.Popen",
    "backends.depth._target_=[subprocess.Popen]",
    "backends.depth._target_=null",
    "+backends.depth._partial_=true",
    "+backends.depth._args_=[1]",
    "+backends.depth.x={_convert_:all}",
    "+backends.depth._recursive_=false",
]
REACHES_HYDRA = [
    "hydra.searchpath=[pkg://planted]",
    "+hydra.searchpath=[pkg://planted]",
    "++hydra.searchpath=[pkg://planted]",
    "hydra={searchpath:[pkg://planted]}",
    "+hydra={searchpath:[pkg://planted]}",
    "hydra/launcher=planted",
    "+hydra/job_logging=planted",
    "~hydra.searchpath=1",
    "--config-dir=FOLDER",
    "--config-path=FOLDER",
    "-cd=FOLDER",
    "+schema=planted",
    "backends/depth=../../../../../../../..FOLDER/evil",
    "+backends/depth=../../../../../../../..FOLDER/evil",
    "backends/depth@stages.coarse.depth=../../../../../../../..FOLDER/evil",
    "stages=[load,../../../../../../../..FOLDER/evil]",
    "stages=../../../../../../../..FOLDER/evil",
    "+stages@backends=[../../../../../../../..FOLDER/evil]",
    "recipe=../../../../../../../..FOLDER/evil",
    "recipe=[../../../../../../../..FOLDER/evil]",
]
RESOLVES = [
    "seed=${planted:1}",
    "seed=${oc.decode:${planted:1}}",
    "seed=${oc.env:VISTADREAM_SECRET}",
    "seed=${${memory}:1}",
    "+stages.load.x='a ${planted:1}'",
    "+stages.load.x={y:[${planted:1}]}",
    "backends/depth=${planted:1}",
    "+backends/depth=${planted:1}",
    "recipe=${planted:1}",
    "stages=[${planted:1}]",
    "backends.depth._target_=${planted:1}",
    "backends.depth._target_='\\\\${planted:1}'",
]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that a package, a resolver and a target would make, if they ran."""
    file = tmp_path / "planted"
    (tmp_path / "lib" / "planted").mkdir(parents=True)
    (tmp_path / "lib" / "planted" / "__init__.py").write_text(f"open({str(file)!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    monkeypatch.setenv("VISTADREAM_SECRET", "7")
    evil = {"_target_": "subprocess.Popen", "args": ["touch", str(file)]}
    (tmp_path / "evil.yaml").write_text(yaml.safe_dump(evil))
    OmegaConf.register_new_resolver("planted", lambda _: file.touch() or 1)
    yield file
    OmegaConf.clear_resolver("planted")
    sys.modules.pop("planted", None)


def spelled(word: str, planted: Path) -> str:
    touch = f"{{_target_:subprocess.Popen,args:[touch,'{planted}']}}"
    return word.replace("{TOUCH}", touch).replace("FOLDER", str(planted.parent))


def run_folder_of(words: list[str], root: Path) -> Path:
    """A folder as somebody else may have made it."""
    root.mkdir()
    (root / "run.json").write_text(json.dumps({"overrides": words}))
    return root


@pytest.mark.parametrize("word", [*BUILDS, *REACHES_HYDRA, *RESOLVES])
def test_no_word_starts_a_program_or_a_resolver(word: str, planted: Path) -> None:
    with pytest.raises(UserError) as refused:
        run([*SMALL, f"out={planted.parent / 'out'}", spelled(word, planted)])
    assert "\n" not in str(refused.value)
    assert not planted.exists()
    assert not (planted.parent / "out").exists()


@pytest.mark.parametrize("word", [*BUILDS, *REACHES_HYDRA, *RESOLVES])
def test_no_word_of_a_saved_run_does_either(word: str, planted: Path) -> None:
    folder = run_folder_of([spelled(word, planted), *SMALL], planted.parent / "run")
    for more in ([], ["backends/outpaint=embedded"]):  # another group looks at the saved ones first
        with pytest.raises(UserError):
            run([f"resume={folder}", *more])
    assert not planted.exists()
    assert sorted(path.name for path in folder.iterdir()) == ["run.json"]


def test_what_would_be_planted_is_planted_without_the_checks(planted: Path) -> None:
    """The resolver and the package are real, so that their absence above says something."""
    assert OmegaConf.create({"x": "${planted:1}"}).x == 1
    assert planted.exists()
    planted.unlink()
    __import__("planted")
    assert planted.exists()


def test_every_target_of_ours_is_a_class_defined_here() -> None:
    assert len(targets()) > 20
    assert all(get_class(target).__module__.split(".")[0] == "vistadream" for target in targets())
    named = [yaml.safe_load(file.read_text()).get("_target_") for file in conf_folder().rglob("*.yaml")]
    assert {name for name in named if name} <= set(targets())


def test_a_knob_may_name_another_one_on_the_command_line_and_not_in_a_saved_run(tmp_path: Path) -> None:
    assert compose(["stages.coarse.seed=${expansion}", "expansion=2"]).plain("stages.coarse.seed") == 2
    folder = run_folder_of(["stages.coarse.seed=${seed}", *SMALL], tmp_path / "run")
    with pytest.raises(UserError, match=r"run\.json holds 'stages\.coarse\.seed=\$\{seed\}'.* give it anew"):
        run([f"resume={folder}"])
    assert run([f"resume={folder}", "stages.coarse.seed=${seed}"]).folder == folder


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_paths_and_sentences_are_never_looked_up(quote: str, tmp_path: Path, planted: Path) -> None:
    word = f"image={quote}${{planted:1}}${{oc.env:VISTADREAM_SECRET}}.png{quote}"
    folder = run_folder_of([*SMALL, word], tmp_path / "run")
    with pytest.raises(UserError, match=r"no such input: .*\$\{oc\.env:VISTADREAM_SECRET\}\.png"):
        run([f"resume={folder}"])
    assert not planted.exists()


def test_a_saved_run_does_not_say_who_may_watch_or_what_is_resumed(tmp_path: Path) -> None:
    saved = [*SMALL, "rerun.bind=0.0.0.0", "+rerun.connect=rerun+http://192.0.2.1:9/proxy", "resume=elsewhere"]
    folder = run_folder_of([*saved, f"out={tmp_path / 'out'}"], tmp_path / "run")
    assert run([f"resume={folder}"]).folder == folder
    overrides = json.loads((folder / "run.json").read_text())["overrides"]
    assert not [word for word in overrides if "0.0.0.0" in word or "192.0.2.1" in word or "elsewhere" in word]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["run.log", "export", "config.yaml", "03_initialize", "01_load/views/x.png"])
def test_a_run_folder_with_links_is_refused(name: str, tmp_path: Path) -> None:
    """Through a link a run would write to a file of the link's choice, such as a shell's startup file."""
    outside = tmp_path / "outside"
    outside.mkdir() if name in ("export", "03_initialize") else outside.touch()
    folder = run_folder_of([*SMALL], tmp_path / "run")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(outside)
    with pytest.raises(UserError, match="is a link or a device"):
        run([f"resume={folder}"])
    assert outside.is_dir() or not outside.read_text()


def test_a_pipe_in_a_run_folder_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    folder = run_folder_of([*SMALL], tmp_path / "run")
    os.mkfifo(folder / "run.log")
    with pytest.raises(UserError, match="is a link or a device"):
        run([f"resume={folder}"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder, which a test copies before it changes it."""
    return run([*SMALL, "export.report=false", f"out={tmp_path_factory.mktemp('finished')}"]).folder


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "..", "", "a/b", 3, ["a"], None])
def test_names_of_views_and_pictures_lead_nowhere_else(name: object, finished: Path, tmp_path: Path) -> None:
    made = shutil.copytree(finished, tmp_path / "run")
    stage = RunFolder(made).stage("load")
    seen = stage / "seen" / "seen.json"
    facts = json.loads(seen.read_text())
    key = next(iter(facts["images"]))
    seen.write_text(json.dumps(facts | {"images": {key: name}}))
    with pytest.raises(UserError, match=r"01_load is damaged .*wanted a plain"):
        run([f"resume={made}"])
    (stage / "scene.json").write_text(json.dumps({"views": [name]}))
    with pytest.raises(UserError, match="wanted a plain name"):
        load_scene(stage)


def test_a_picture_of_another_format_is_not_opened(finished: Path, tmp_path: Path) -> None:
    """Pillow reads EPS by starting Ghostscript."""
    made = shutil.copytree(finished, tmp_path / "run")
    stage = RunFolder(made).stage("load")
    next((stage / "views").glob("*.rgb.png")).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n")
    with pytest.raises(UserError, match="01_load is damaged"):
        run([f"resume={made}"])


@pytest.mark.parametrize("section", ["rerun", "+rerun", "observers.rerun"])
def test_a_saved_section_does_not_say_who_may_watch(section: str) -> None:
    assert saved_words([f"{section}={{bind:0.0.0.0}}", "rerun.port=5"]) == ["rerun.port=5"]


def test_saved_words_of_version_0_1_are_understood() -> None:
    """Knobs of the former stage `load` stand in its source, in `camera` or at the top now."""
    saved = ["stages.load.multiple=16", "+stages.load.focal_px=300", "stages.load.image=a=b.png", "+stages.refine.x=1"]
    assert saved_words(saved) == ["source.multiple=16", "+camera.focal_px=300", "image=a=b.png", "+stages.refine.x=1"]
    source = compose(saved_words(saved[:1])).build("stages.load").source
    assert source.multiple == 16
