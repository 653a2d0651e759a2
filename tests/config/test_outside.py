"""Knobs from outside: a schema made from the files and the classes, and words that can do nothing else."""

import json
import re
from fnmatch import fnmatchcase

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from vistadream.config import compose, knob_schema, outside_words
from vistadream.config.files import conf_folder
from vistadream.config.knob_schema import configurations, outside_knobs
from vistadream.config.knob_types import misfit
from vistadream.config.outside_rules import ACCEPTANCE, LARGEST_VALUES, REFUSED, REFUSED_CHOICES
from vistadream.core import UserError

JOBS = ("single_img", "multi_img")
PROPERTIES = {job: knob_schema(job)["properties"] for job in JOBS}


def knobs_in_files() -> set[str]:
    """The last names of all knobs that a YAML file under conf/ sets, read as text."""
    names = set()
    for file in conf_folder().rglob("*.yaml"):
        if file.stem not in ("app", "auto", "batch", "keys", "serve", "worker"):  # which are about no run
            names |= set(re.findall(r"^ *(\w+):", file.read_text(), re.MULTILINE))
    return names - {"defaults", "_target_"}


def leaves(node: dict, above: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in node.items():
        found |= leaves(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}"}
    return found


@pytest.mark.parametrize("job", JOBS)
def test_every_knob_is_in_the_schema_or_is_refused_with_a_reason(job: str) -> None:
    known = outside_knobs(job)
    composed = set().union(*(leaves(OmegaConf.to_container(config)) for config, _ in configurations(job)))
    knobs = {knob for knob in composed if not knob.endswith("_target_")}
    assert knobs - known.schema.keys() - known.refused.keys() == set()
    assert not known.schema.keys() & known.refused.keys()
    assert all(len(why.split()) >= 4 for why in known.refused.values())
    assert all("/" in knob or knob in ("recipe", "trajectory") for knob in known.schema.keys() - knobs - {"export"})


def test_no_knob_of_a_file_is_forgotten() -> None:
    every = {
        knob for job in JOBS for knobs in (outside_knobs(job).schema, outside_knobs(job).refused) for knob in knobs
    }
    words = {part for knob in every for part in re.split(r"[./]", knob)}
    refused_groups = {"job", "rerun", "observers", "stages", "plans", "refine"}
    assert knobs_in_files() - words - refused_groups == set()


def test_every_rule_is_about_a_knob() -> None:
    every = {knob for job in JOBS for knob in (*outside_knobs(job).schema, *outside_knobs(job).refused)}
    sections = {part for knob in every for part in (knob.split(".")[0], f"{knob.split('.')[0]}._target_")}
    for pattern in (*REFUSED, *LARGEST_VALUES):
        if not pattern.startswith("hydra"):
            assert any(fnmatchcase(knob, pattern) for knob in every | sections), pattern
    for group, options in REFUSED_CHOICES.items():
        assert all((conf_folder() / group / f"{option}.yaml").exists() for option in options)


@pytest.mark.parametrize("job", JOBS)
def test_the_schema_is_one_and_its_defaults_fit_it(job: str) -> None:
    schema = knob_schema(job)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for knob, about in schema["properties"].items():
        if "default" in about and not (knob.startswith("source.") and about["default"] is None):
            validator.validate({knob: about["default"]})
            assert misfit(about["default"], about) is None
    json.dumps(schema, allow_nan=False)


def test_types_limits_and_remarks_come_from_the_classes_and_files() -> None:
    knobs = PROPERTIES["single_img"]
    assert knobs["expansion"] == {
        "type": "number",
        "minimum": 0,
        "maximum": 2,
        "default": 0.3,
        "description": "painted border as a fraction of width and of height, half on each side",
    }
    assert knobs["stages.refine.photo_share"]["exclusiveMinimum"] == 0
    assert knobs["backends.render.mode"]["enum"] == ["classic", "antialiased"]
    assert knobs["export.video.formats"]["items"] == {"enum": ["mp4", "gif", "webp"]}
    assert knobs["backends.depth.resolution_level"]["x-with"] == ["backends/depth=moge"]
    assert "moge-2-vits-normal" in knobs["backends.depth.model"]["anyOf"][1]["enum"]
    assert "x-with" not in knobs["backends.render.near_z"]
    assert list(knobs["stage"]["x-stages"]) == knobs["stage"]["enum"]
    assert knobs["stage"]["x-stages"]["outpaint"] == ["load", "outpaint", "initialize"]
    assert knobs["backends/depth"]["enum"] == ["auto", "depth_anything", "embedded", "moge"]
    assert "custom" not in knobs["trajectory"]["enum"]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text())


@given(st.sampled_from(sorted(PROPERTIES["single_img"])), VALUES)
def test_the_check_agrees_with_the_schema(knob: str, value: object) -> None:
    about = PROPERTIES["single_img"][knob]
    if value == value and value not in (float("inf"), float("-inf")):  # what JSON can hold
        assert (misfit(value, about) is None) == jsonschema.Draft202012Validator(about).is_valid(value)
    else:
        assert misfit(value, about)


def test_words_compose_to_the_values() -> None:
    knobs = {
        "stages.refine.steps": 10.0,
        "seed": 2**53 - 1,
        "export": ["ply", "spz"],
        "backends.caption.text": 'it\'s "a" = [b], {c}\\',
        "trajectory": "swing",
        "trajectory.radius": 0.1,
        "camera.principal_px": [10, 20.5],
        "recipe": "quick",
        "expansion": 0,
    }
    composed = compose(outside_words(knobs))
    assert composed.plain("stages.refine.steps") == 10
    assert composed.plain("seed") == 2**53 - 1
    assert composed.plain("export.gaussians.formats") == ["ply", "spz"]
    assert composed.plain("backends.caption.text") == knobs["backends.caption.text"]
    assert composed.plain("trajectory.radius") == 0.1
    assert composed.plain("camera.principal_px") == [10, 20.5]


DEEP = [1]
for _ in range(1_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("knobs", "match"),
    [
        ({"stages.refine.stepz": 3}, r"is not a knob.*did you mean stages\.refine\.steps\?"),
        ({"stages.refine.steps": "3"}, r"stages\.refine\.steps: got '3'; wanted a whole number, 0 to 100000"),
        ({"stages.refine.steps": 3.5}, "wanted a whole number"),
        ({"stages.refine.steps": True}, "wanted a whole number"),
        ({"stages.refine.steps": 10**30}, "got a number of over 30 digits; wanted a whole number"),
        ({"stages.refine.steps": 10**10_000}, "got a number of over 10000 digits; wanted"),
        ({"expansion": float("nan")}, "expansion: got nan; wanted a number, 0 to 2"),
        ({"expansion": 1e30}, "wanted a number, 0 to 2"),
        ({"expansion": None}, "got None; wanted a number"),
        ({"expansion": {"a": 1}}, "wanted a number"),
        ({"export": DEEP}, "wanted a list"),
        ({"trajectory.keyframes": DEEP}, "wanted a list"),
        ({"prompt": "x" * 10**6}, "wanted text of at most 2000 characters"),
        ({"x" * 10**6: 1}, "is not a knob"),
        ({"prompt": "\0"}, "without control characters"),
        ({"prompt": "\ud800"}, "without control characters"),
        ({"prompt": "${oc.env:HOME}"}, "without"),
        ({"export": ["${seed}"]}, "without"),
        ({"export": ["plyy"]}, "wanted a list, each item one of"),
        ({"export": ["ply", "ply"]}, "each once"),
        ({"backends/depth": "given"}, "cannot be chosen from outside: it reads a depth map"),
        ({"backends/depth": "mog"}, r"did you mean moge\?"),
        ({"trajectory": "custom"}, "cannot be chosen from outside: it reads a file of cameras"),
        ({"trajectory.path": "/etc/passwd"}, "cannot be set from outside: it names a file"),
        ({"flight.trajectory": "custom"}, "wanted one of"),
        ({"image": "/etc/passwd"}, "upload it with the request"),
        ({"out": "/tmp"}, "cannot be set from outside"),
        ({"resume": "/tmp"}, "cannot be set from outside"),
        ({"rerun.bind": "0.0.0.0"}, "cannot be set from outside"),
        ({"observers": []}, "cannot be set from outside"),
        ({"observers.events.pictures_every_s": 0}, "cannot be set from outside"),
        ({"hydra.run.dir": "/tmp"}, "cannot be set from outside"),
        ({"hydra": "x"}, "cannot be set from outside"),
        ({"accept_noncommercial": True}, "accepts licenses.*allow_noncommercial=true"),
        ({"backends.depth.accept_noncommercial": True}, "is decided by accept_noncommercial"),
        ({"memory": "low"}, "whoever runs the server"),
        ({"checkpoint_seconds": 0}, "whoever runs the server"),
        ({"backends.depth._target_": "subprocess.Popen"}, "names a class of the program"),
        ({"backends.depth": {"_target_": "subprocess.Popen"}}, "is not a knob"),
        ({"+backends.depth.x": {"_target_": "subprocess.Popen"}}, "is not a knob"),
        ({"~stages": None}, "is put together by choices"),
        ({"+image": "/etc/passwd"}, "upload it"),
        ({"seed=1 out": "/tmp"}, "is not a knob"),
        ({"backends/depth@out": "moge"}, "is not a knob"),
        ({3: 1}, "3 is not a knob"),
        ({"max_views": 3}, "is read by multi-img alone"),
        ({"trajectory": ["swing"]}, "wanted one of"),
        ({"backends.depth.resolution_level": 3, "backends/depth": "embedded"}, "resolution_level"),
        ({"stages.coarse.rule.min_hole": 2}, "wanted a number, 0 to 1"),
    ],
)
def test_bad_knobs_get_one_sentence(knobs: dict, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        outside_words(knobs)
    said = str(caught.value)
    assert len(said) < 600
    assert "\n" not in said


@pytest.mark.parametrize("job", JOBS)
def test_licenses_are_accepted_from_outside_only_where_that_is_allowed(job: str) -> None:
    closed, opened = outside_knobs(job), outside_knobs(job, noncommercial=True)
    assert opened.schema.keys() - closed.schema.keys() == {ACCEPTANCE} == closed.refused.keys() - opened.refused.keys()
    assert opened.schema[ACCEPTANCE]["description"]
    (word,) = outside_words({ACCEPTANCE: True}, job, noncommercial=True)
    assert compose([word], job=job).plain(ACCEPTANCE) is True
    for knob, value in ((f"backends.depth.{ACCEPTANCE}", True), (ACCEPTANCE, "yes"), (ACCEPTANCE, 1)):
        with pytest.raises(UserError, match=ACCEPTANCE):
            outside_words({knob: value}, job, noncommercial=True)


@pytest.mark.parametrize("job", JOBS)
def test_no_refused_knob_gets_through(job: str) -> None:
    for knob in (*outside_knobs(job).refused, *REFUSED):
        for value in (None, "x", 1, ["x"]):
            with pytest.raises(UserError, match=r"cannot be set from outside|is not a knob"):
                outside_words({knob: value}, job)
