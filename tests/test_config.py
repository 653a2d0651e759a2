"""The words of the command line: quoting, misspellings, types, and every YAML file."""

import dataclasses
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra.utils import get_class
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from vistadream.config import (
    INPUT_KNOBS,
    compose,
    conf_folder,
    configured,
    expand,
    groups,
    of_the_replaced,
    plans,
    quote_paths,
    reference,
    unquoted,
)
from vistadream.config.backends import choose
from vistadream.config.files import targets
from vistadream.config.words import parse
from vistadream.core import UserError
from vistadream.core.knobs import path_fields
from vistadream.exporters.flight import FlightKnobs
from vistadream.observers.rerun import RerunSettings

ODD_NAMES = [
    "a b.png",
    "照片.png",
    "é#&.png",
    "a=b,(1).png",
    "it's [x].png",
    "${oops}.png",
    "1e3",
    "true",
    "~x.png",
    "a\\b",
]


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("plus", ["", "+"])
def test_any_file_name_reaches_the_configuration_as_it_is(tmp_path: Path, name: str, plus: str) -> None:
    path = str(tmp_path / name)
    assert compose(quote_paths([f"{plus}image={path}"])).plain("image") == path
    assert compose(quote_paths([f"{plus}image={name}"])).plain("image") == name


def test_several_images_are_split_at_commas_unless_one_file_is_named_so(tmp_path: Path) -> None:
    odd = tmp_path / "a,b.png"
    odd.touch()
    runs = list(expand(quote_paths([f"image={odd}", "stage=coarse,fine"], many=True)))
    assert len(runs) == 2
    assert [compose(run).plain("image") for run in runs] == [str(odd)] * 2
    two = list(expand(quote_paths(["image=x y.png,z.png"], many=True)))
    assert [compose(run).plain("image") for run in two] == ["x y.png", "z.png"]


SYNTAX = [
    "'80s night.png",
    '"best" shot.png',
    "'whole'",
    '"a","b"',
    "a,b.png",
    "x=1,y=[2].png",
    "${seed}.png",
    "\\${seed}",
    "a\\",
    "a'",
    '\\"',
    "{a:b}",
    "choice(1,2)",
    "null,null",
    " spaced ",
    "line\nbreak",
]
PATHS = ("image", "out", "resume", "trajectory.path", "backends.depth.path", "backends.depth.sky_mask")


@pytest.mark.parametrize("name", SYNTAX)
def test_a_file_that_is_there_has_its_literal_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    words = ["trajectory=custom", "backends/depth=given", *(f"{knob}={name}" for knob in PATHS)]
    composed = compose(quote_paths(words))
    assert [composed.plain(knob) for knob in PATHS] == [name] * len(PATHS)
    assert composed.build("stages.load").source.path == Path(name)
    assert [unquoted(word) for word in words[2:]] == [name] * len(PATHS)
    for run in expand(quote_paths([f"image={name}", "seed=0,1"], many=True)):
        assert compose(quote_paths(run)).plain("image") == name, "as app.run reads it"


def test_names_with_commas_are_found_in_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.png", "c.png", "'80s.png"):
        (tmp_path / name).touch()
    word = "image=a,b.png,c.png,'80s.png,'not, there.png',other.png"
    runs = [compose(quote_paths(run)).plain("image") for run in expand(quote_paths([word], many=True))]
    assert runs == ["a,b.png", "c.png", "'80s.png", "not, there.png", "other.png"]


@given(st.lists(st.sampled_from(["\\", "'", '"', "${", "}", ",", "=", "a", " "]), max_size=8).map("".join))
def test_quoting_keeps_every_character(text: str) -> None:
    (word,) = quote_paths([f"prompt={text}"])
    spelled = unquoted(f"prompt={text}")  # without the quotes of the grammar around it
    assert OmegaConf.create({"x": parse(word).value()}).x == spelled
    assert unquoted(word) == spelled


def test_every_path_that_a_file_offers_is_taken_to_the_letter() -> None:
    """So that a relative path works from any folder when the run is resumed."""
    files = [(file, yaml.safe_load(file.read_text()) or {}) for file in conf_folder().rglob("[!_]*.yaml")]
    group_of = {file: file.parent.relative_to(conf_folder()).as_posix().replace("/", ".") for file, _ in files}
    offered = {
        f"{group_of[file]}.{key}"
        for file, knobs in files
        if "_target_" in knobs
        for key in path_fields(get_class(knobs["_target_"]))
        if "${" not in str(knobs[key])
    }
    offered |= {f"{group_of[file]}.network.path" for file, _ in files if "_any_view@network" in file.read_text()}
    assert offered == set(INPUT_KNOBS) - {"image", "input"}


def test_a_multirun_is_the_product_of_its_choices() -> None:
    runs = list(expand(["seed=0,1", "stage=coarse,fine", "expansion=0.2"]))
    assert len(runs) == 4
    assert {(compose(run).plain("seed"), compose(run).plain("stage")) for run in runs} == {
        (seed, stage) for seed in (0, 1) for stage in ("coarse", "fine")
    }


@pytest.mark.parametrize(
    ("word", "suggestion"),
    [
        ("sed=1", "did you mean seed?"),
        ("stages.coarse.n_frame=3", "did you mean stages.coarse.n_frames?"),
        ("n_frames=3", "did you mean stages.coarse.n_frames?"),
        ("backends/depth=embeded", "did you mean embedded?"),
        ("trajectory=spirl", "did you mean spiral?"),
        (
            "trajectory=orbits",
            "custom, dolly, interpolate, orbit, photos, rotate, spiral, swing, wobble; did you mean orbit?",
        ),
        ("trajectori=spiral", "did you mean trajectory?"),
    ],
)
def test_a_misspelt_word_names_the_nearest_right_one(word: str, suggestion: str) -> None:
    with pytest.raises(UserError) as caught:
        compose([word])
    assert suggestion in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "knob"), [("seed=abc", "seed"), ("max_resolution=1.5", "max_resolution"), ("expansion=wide", "expansion")]
)
def test_a_top_level_value_of_the_wrong_type_is_refused_by_name(word: str, knob: str) -> None:
    with pytest.raises(UserError, match=knob):
        compose([word])


_FITTING = [
    "dssim=nan",
    "dssim=2",
    "generated_weight=-1",
    "generated_weight=inf",
    "zoomed_share=1.5",
    "spread_weight=-1",
]
_FITTING += ["rates.means=inf", "rates.quats=1e30", "rates.scales=nan"]
_LIFTING = ["sigma_px=0", "sigma_px=nan", "thickness=0"]
_OUT_OF_RANGE = ["steps=-1", *(f"fitting.{word}" for word in _FITTING)]
_OUT_OF_RANGE_INITIALIZE = [
    "smoothing=nan",
    "sky_distance=0.5",
    "sky_reach=-1",
    "far_side.reach=-1",
    "far_side.widest=2",
    *(f"lifting.{word}" for word in _LIFTING),
]
_OUT_OF_RANGE_COARSE = [
    "n_frames=-1",
    "candidates.count=0",
    "n_closing=-1",
    "candidates.margin_px=-1",
    "max_misfit=nan",
]


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("stages.coarse.n_frames=many", "stages.coarse"),
        ("stages.coarse.fitting.rates.means=fast", "stages.coarse"),
        ("stages.coarse.rule.fallback=best", "stages.coarse"),
        ("stages.coarse.rule.min_hole=0.9", "stages.coarse"),
        ("trajectory.turns=none", "trajectory"),
        ("trajectory.depth=0.9", "stages.coarse"),
        ("expansion=7", "stages.outpaint"),
        ("max_resolution=4", "stages.load"),
        *((f"stages.initialize.{knob}", "stages.initialize") for knob in (*_OUT_OF_RANGE, *_OUT_OF_RANGE_INITIALIZE)),
        *((f"stages.refine.{knob}", "stages.refine") for knob in _OUT_OF_RANGE),
        *((f"stages.coarse.{knob}", "stages.coarse") for knob in (*_OUT_OF_RANGE, *_OUT_OF_RANGE_COARSE)),
        ("camera.principal_px=[1]", "stages.load"),
    ],
)
def test_a_knob_out_of_type_or_range_is_refused_with_what_was_wanted(word: str, path: str) -> None:
    composed = compose([word, "image=x.png"])
    with pytest.raises(UserError, match="wanted"):
        composed.build(path)


@pytest.mark.parametrize("word", ["stages.load=null", "stages.coarse=3", "export.video=null", "rerun=null"])
def test_a_part_without_its_knobs_is_refused(word: str) -> None:
    section = word.partition("=")[0]
    composed = compose([word])
    with pytest.raises(UserError, match=rf"^{section}: got .*; wanted its knobs"):
        composed.build(section)


@pytest.mark.parametrize(
    ("new", "left_out"),
    [
        (["backends/depth=embedded"], ["backends.depth.path=d.png"]),
        (["+backends/depth=moge"], ["backends.depth.path=d.png"]),
        (["backends/depth=given"], []),
        (["trajectory=swing", "seed=1"], ["trajectory.turns=1"]),
        (["trajectory=spiral"], []),
        (["backends/depth=magic"], []),
        (["seed=1"], []),
    ],
)
def test_knobs_of_what_is_replaced_are_told_from_the_others(new: list[str], left_out: list[str]) -> None:
    saved = ["backends/depth=given", "backends.depth.path=d.png", "trajectory.turns=1", "backends.render.near_z=0.1"]
    assert of_the_replaced(saved, new) == left_out


def test_a_backend_that_needs_a_path_says_so() -> None:
    with pytest.raises(UserError, match=r"backends\.depth\.path"):
        compose(["backends/depth=given"])


def test_auto_is_replaced_by_a_real_backend_with_a_reason() -> None:
    composed = compose(["backends/depth=auto"])
    assert composed.choices["depth"] == choose("depth")
    assert composed.choices["depth"].reason
    asked = compose(["backends/depth=given", "backends.depth.path=d.png"])
    assert asked.choices["depth"].reason == "as asked"


def test_a_recipe_changes_top_level_and_stage_knobs() -> None:
    plain, quick = compose([]), compose(["recipe=quick"])
    assert quick.plain("max_resolution") < plain.plain("max_resolution")
    assert quick.plain("stages.coarse.n_frames") < plain.plain("stages.coarse.n_frames")


FILES = sorted(
    file
    for file in conf_folder().rglob("*.yaml")
    if file.parent != conf_folder() and file.parent.name not in ("job", "recipe") and not file.stem.startswith("_")
)


OF_SEVERAL = ("poses", "multi_depth", "several", "register", "initialize_photos")
"""Groups and files that only the job of several photos reads."""


@pytest.mark.parametrize("file", FILES, ids=lambda p: p.relative_to(conf_folder()).as_posix())
def test_every_yaml_builds_and_names_every_field_of_its_class(file: Path, tmp_path: Path) -> None:
    """No knob exists in one place only: what the class takes is what the file offers."""
    group = file.parent.relative_to(conf_folder()).as_posix()
    job = "multi_img" if {file.stem, file.parent.name} & {*OF_SEVERAL} else "single_img"
    words = ["image=x.png"] if job == "single_img" else ["input=photos"]
    path = f"stages.{file.stem.removesuffix('_photos')}"
    if file.stem == "prompt":
        words = ["prompt=a hall", "backends/text_to_image=flux2_klein"]
    if group in ("export", "observers"):
        words.append(f"{group}=[{file.stem}]")
        path = f"{group}.{file.stem}"
    elif group != "stages":
        words.append(f"{group}={file.stem}")
        path = group.replace("/", ".")
    if group == "backends/depth" and file.stem == "given":
        words.append("backends.depth.path=d.png")
    if file.stem == "feat_vis":
        words.append("backends/depth=depth_anything")
    if file.stem == "custom":
        cameras = [{"cam_from_world": [[1, 0, 0, x], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]} for x in (0, 1)]
        (tmp_path / "cameras.json").write_text(json.dumps({"cameras": cameras}))
        words += quote_paths([f"trajectory.path={tmp_path / 'cameras.json'}"])
    composed = compose(words, job=job)
    built, name = composed.build(path), composed.plain(path)["_target_"]
    assert f"_target_: {name}\n" in file.read_text()
    target = get_class(name)
    assert isinstance(built, target)
    offered = set(composed.plain(path)) - {"_target_"}
    assert offered == {f.name for f in dataclasses.fields(target)}


def test_every_job_composes_with_every_plan_and_knows_the_order_of_its_stages() -> None:
    for job, word in (("single_img", "image=x.png"), ("multi_img", "input=photos")):
        for stage, plan in plans(job).items():
            composed = compose([word, f"stage={stage}"], job=job)
            assert composed.plan() == tuple(plan)
            assert [name for name in composed.order if name in plan] == plan


@pytest.mark.parametrize(
    ("words", "job", "says"),
    [
        (["image=x.png"], "multi_img", "image=x.png is not read by multi-img; wanted input=PATH"),
        (["input=photos"], "single_img", "the work of vistadream multi-img"),
        (["max_views=3"], "single_img", "the work of vistadream multi-img"),
        (["input=photos", "source=image"], "multi_img", "wanted source=several"),
        (["backends/poses=sfm"], "single_img", "backends/poses=sfm is read by vistadream multi-img alone"),
    ],
)
def test_the_words_of_the_other_job_are_refused(words: list[str], job: str, says: str) -> None:
    with pytest.raises(UserError, match=re.escape(says)):
        compose(words, job=job)


def test_help_of_several_photos_names_each_knob_once_with_its_own_default() -> None:
    text = reference("multi_img")
    assert re.findall(r"^expansion: .*?(?= #)", text, re.MULTILINE) == ["expansion: 0"]
    assert "\nimage:" not in text
    assert "stages.register.*:" in text
    assert "source.*:\ninput: ${input}" in text


def test_a_recipe_changes_the_knobs_of_several_photos_too() -> None:
    plain, quick = (compose(["input=photos", *words], job="multi_img") for words in ([], ["recipe=quick"]))
    for knob in ("max_resolution", "stages.coarse.n_frames", "stages.refine.steps"):
        assert quick.plain(knob) < plain.plain(knob), knob


@pytest.mark.parametrize(
    "value", ["a b.jpg", "[a.jpg,b.jpg]", "photos/*.jpg", "a.jpg,b.jpg", "x=${y}.jpg", "['a b','c']"]
)
def test_the_input_of_several_photos_is_taken_to_the_letter(value: str) -> None:
    for plus in ("", "+"):
        assert compose(quote_paths([f"{plus}input={value}"]), job="multi_img").plain("input") == value


@pytest.mark.parametrize("target", sorted(set(targets())))
def test_defaults_are_in_yaml_alone(target: str) -> None:
    missing = dataclasses.MISSING
    fields = dataclasses.fields(get_class(target))
    assert [f.name for f in fields if (f.default, f.default_factory) != (missing, missing)] == []


def test_what_the_renderers_share_has_one_value_in_one_file() -> None:
    one, other = (compose([f"backends/render={name}"]).plain("backends.render") for name in ("cpu", "gsplat"))
    shared = yaml.safe_load((conf_folder() / "backends" / "render" / "_knobs.yaml").read_text())
    assert {name: one[name] for name in shared} == {name: other[name] for name in shared} == shared
    assert set(one) - set(other) == {"threads"}


def test_a_shared_file_is_not_a_choice() -> None:
    with pytest.raises(UserError, match="backends/render=_knobs is no choice; wanted one of auto, cpu, gsplat"):
        compose(["backends/render=_knobs"])


def test_one_part_is_built_with_the_values_of_its_file() -> None:
    renderer = configured("backends/render=cpu", threads=2)
    assert renderer == replace(compose(["backends/render=cpu"]).build("backends.render"), threads=2)
    with pytest.raises(ValueError, match=r"CpuRenderer\.threads"):
        configured("backends/render=cpu", threads=0)


@pytest.mark.parametrize(("section", "target"), [("rerun", RerunSettings), ("flight", FlightKnobs)])
def test_a_section_offers_every_field_of_its_class(section: str, target: type) -> None:
    composed = compose([])
    assert isinstance(composed.make(section, target), target)
    assert set(composed.plain(section)) - {"_target_"} == {f.name for f in dataclasses.fields(target)}


@pytest.mark.parametrize("recipe", groups()["recipe"])
def test_every_recipe_composes(recipe: str) -> None:
    assert compose([f"recipe={recipe}", "image=x.png"]).build("stages.refine")


def test_help_lists_every_group_and_every_top_level_knob() -> None:
    text = reference()
    for group in groups():
        assert f"{group}=" in text
    for knob in ("image", "stage", "seed", "expansion", "max_resolution", "resume", "rerun", "flight"):
        assert f"\n{knob}:" in text


def test_memory_and_licenses_are_top_level_knobs() -> None:
    assert compose([]).plain("memory") == "auto"
    assert compose([]).plain("accept_noncommercial") is False
    assert compose(["memory=low", "accept_noncommercial=true"]).plain("accept_noncommercial") is True
    with pytest.raises(UserError, match="wanted one of auto, high, balanced, low"):
        compose(["memory=full"])
    with pytest.raises(UserError, match="accept_noncommercial"):
        compose(["accept_noncommercial=perhaps"])


@pytest.mark.parametrize(
    ("word", "knob"),
    [
        ("+stages.refine.flatness_weight=1", "stages.refine.flatness_weight"),
        ("stages.refine.flatness_weight=1", "stages.refine.flatness_weight"),
        ("++stages.refine.losses={l1:1,thin:{weight:2}}", "stages.refine.losses.thin"),
        ("stages.refine.losses={thin:{weight:2}}", "stages.refine.losses.thin"),
        ("+stages.refine.losses=[l1,flatness]", r"stages.refine.losses\[1\]"),
        ("+thickness_loss=0.1", "thickness_loss"),
        ("+backends.render.surfels=true", "backends.render.surfels"),
    ],
)
def test_no_regulariser_of_thinness_gets_in_and_the_rule_is_explained(word: str, knob: str) -> None:
    with pytest.raises(UserError, match=rf"^{knob} names .* a continuous surface is not a thin sheet"):
        compose([word])


def test_the_rule_reads_what_an_interpolation_stands_for() -> None:
    with pytest.raises(UserError, match="a continuous surface is not a thin sheet"):
        compose(["+stages.refine.kind=flat", "+stages.refine.loss=${.kind}"])


def test_the_lifts_initial_thickness_stays_free() -> None:
    words = ["stages.initialize.lifting.thickness=0.2", "stages.coarse.lifting.thickness=0.3"]
    assert compose(words).plain("stages.initialize.lifting.thickness") == 0.2


def test_coarse_lifts_as_initialize_does_unless_it_is_told_otherwise() -> None:
    composed = compose(["stages.initialize.lifting.thickness=0.2"])
    assert composed.plain("stages.coarse.lifting") == composed.plain("stages.initialize.lifting")
    assert compose(["stages.coarse.lifting.sigma_px=0.4"]).plain("stages.initialize.lifting.sigma_px") != 0.4


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("stages.refine.surface.depth=mean", r"depth: got 'mean'; wanted one of median, expected, none$"),
        ("stages.coarse.rule.fallback=best", r"fallback: got 'best'; wanted one of none, closest$"),
        ("backends.render.mode=soft", r"mode: got 'soft'; wanted one of classic, antialiased$"),
        ("backends.render.threads=many", r"threads: got 'many'; wanted int | null$"),
    ],
)
def test_a_wrong_word_is_answered_with_the_words_to_choose_from(word: str, wanted: str) -> None:
    with pytest.raises(UserError, match=wanted):
        compose([word, "backends/render=cpu"]).build("stages.coarse" if "rule" in word else "stages.refine")
