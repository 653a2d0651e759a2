"""What `auto` takes on machines of every kind, and what is said of a named backend that cannot run."""

import itertools
import sys
from pathlib import Path

import pytest
import torch

from vistadream.backends import machine as facts
from vistadream.backends import packages
from vistadream.backends.machine import Machine, this_machine
from vistadream.backends.packages import INSTALL
from vistadream.backends.weights.table import MODELS
from vistadream.commands.main import main
from vistadream.config import check, choose, compose, groups
from vistadream.core import UserError

LARGE, SMALL = "moge-2-vitl-normal", "moge-2-vits-normal"
ALL = frozenset(INSTALL)
ROLES = ("depth", "outpaint", "render", "caption")
EVERY_MACHINE = [
    Machine(cuda, frozenset(here), compiler, frozenset(weights), offline)
    for cuda, compiler, offline in itertools.product((False, True), repeat=3)
    for here in (ALL, ALL - {"moge", "utils3d"}, ALL - {"scipy"}, ALL - {"gsplat"}, ALL - {"moge", "einops"}, ())
    for weights in ((), (LARGE,), (SMALL,), (LARGE, SMALL), ("da3-small", "da3-base"), (LARGE, "da3-base"))
]


@pytest.mark.parametrize("role", ROLES)
def test_what_is_chosen_is_a_backend_that_can_run_there(role):
    for machine in EVERY_MACHINE:
        choice = choose(role, machine)
        assert choice.name in groups()[f"backends/{role}"]
        assert choice.reason
        check(role, choice.name, machine)


def test_nothing_is_downloaded_without_a_gpu_or_offline():
    for machine in EVERY_MACHINE:
        if not machine.cuda or machine.offline:
            needed = {"moge": (SMALL, LARGE), "depth_anything": ("da3-small", "da3-base")}
            if models := needed.get(choose("depth", machine).name):
                assert models[machine.cuda] in machine.weights


@pytest.mark.parametrize(
    ("machine", "name", "words"),
    [
        (Machine(True, ALL, True, frozenset({LARGE})), "moge", [LARGE, "on the GPU", "are here"]),
        (Machine(True, ALL, True), "moge", [LARGE, "downloads its weights first, about 1.3 GB"]),
        (Machine(True, ALL, True, offline=True), "embedded", ["lacks its weights", f"vistadream download {LARGE}"]),
        (Machine(True, ALL - {"moge"}, True), "embedded", ["lacks the package moge", INSTALL["moge"]]),
        (Machine(False, ALL, weights=frozenset({SMALL})), "moge", [SMALL, "on the CPU"]),
        (
            Machine(False, ALL, weights=frozenset({LARGE})),
            "embedded",
            ["needs no download", f"0.14 GB (vistadream download {SMALL})"],
        ),
        (Machine(False, ALL, weights=frozenset({SMALL, "da3-small"})), "moge", [SMALL]),
        (Machine(False, ALL, weights=frozenset({"da3-small"})), "depth_anything", ["da3-small", "on the CPU"]),
        (Machine(True, ALL, weights=frozenset({"da3-base"})), "moge", ["downloads its weights first"]),
        (Machine(True, ALL, offline=True, weights=frozenset({"da3-base"})), "depth_anything", ["da3-base", "GPU"]),
        (Machine(False, ALL - {"einops"}, weights=frozenset({"da3-small"})), "embedded", ["needs no download"]),
    ],
)
def test_depth_is_the_best_that_can_run_with_the_reason(machine, name, words):
    choice = choose("depth", machine)
    assert choice.name == name
    assert [word for word in words if word not in choice.reason] == []


@pytest.mark.parametrize(
    ("machine", "name", "words"),
    [
        (Machine(False, ALL, weights=frozenset({"da3-small"})), "sfm_or_depth_anything", ["da3-small", "are here"]),
        (Machine(True, ALL, weights=frozenset({"da3-base"})), "sfm_or_depth_anything", ["da3-base", "on the GPU"]),
        (Machine(True, ALL), "given_or_sfm", ["lacks its weights", "vistadream download da3-base"]),
        (Machine(False, ALL - {"addict"}), "given_or_sfm", ["needs no download", INSTALL["addict"]]),
    ],
)
def test_depth_anything_stands_by_for_poses_where_it_is_here(machine, name, words):
    choice = choose("poses", machine)
    assert choice.name == name
    assert [word for word in words if word not in choice.reason] == []


KLEIN, FILL = "flux2-klein-4b", ("flux-fill", "flux-text")
PAINTERS = frozenset({KLEIN, *FILL})


@pytest.mark.parametrize("accepted", [False, True])
def test_no_outpainter_is_taken_without_a_gpu_its_weights_and_its_license(accepted):
    for cuda, here, weights in itertools.product(
        (False, True), (ALL, ALL - {"diffusers"}), ((), (KLEIN,), FILL, FILL[:1], (KLEIN, *FILL))
    ):
        machine = Machine(cuda, frozenset(here), weights=frozenset(weights))
        choice = choose("outpaint", machine, accepted)
        check("outpaint", choice.name, machine)
        can = cuda and here is ALL
        wanted = "flux_fill" if can and accepted and set(FILL) <= set(weights) else None
        wanted = wanted or ("flux2_klein" if can and KLEIN in weights else "embedded")
        assert choice.name == wanted


@pytest.mark.parametrize(
    ("machine", "accepted", "words"),
    [
        (Machine(True, ALL, weights=PAINTERS), True, ["flux-fill on the GPU", "are here"]),
        (Machine(True, ALL, weights=PAINTERS), False, ["flux2-klein-4b on the GPU", "are here"]),
        (Machine(True, ALL), True, ["needs no download", "lacks its weights, 16 GB (vistadream download"]),
        (Machine(True, ALL - {"diffusers"}, weights=PAINTERS), True, ["lacks the package diffusers (pip install"]),
        (Machine(False, ALL, weights=PAINTERS), True, ["needs no download"]),
    ],
)
def test_the_outpainter_comes_with_its_reason(machine, accepted, words):
    reason = choose("outpaint", machine, accepted).reason
    assert [word for word in words if word not in reason] == []


def test_the_accepted_license_reaches_the_choice(monkeypatch):
    machine = Machine(True, ALL, weights=PAINTERS)
    monkeypatch.setattr("vistadream.backends.auto.this_machine", lambda: machine)
    assert compose(["image=x.png"]).choices["outpaint"].name == "flux2_klein"
    assert compose(["image=x.png", "accept_noncommercial=true"]).choices["outpaint"].name == "flux_fill"


@pytest.mark.parametrize(
    ("machine", "name", "word"),
    [
        (Machine(True, ALL, True), "gsplat", "on the GPU"),
        (Machine(True, ALL, False), "cpu", "lacks nvcc"),
        (Machine(True, frozenset(), True), "cpu", "pip install 'vistadream[gpu]'"),
        (Machine(False, ALL, True), "cpu", "runs on any machine"),
    ],
)
def test_gsplat_draws_where_its_kernels_can(machine, name, word):
    choice = choose("render", machine)
    assert choice.name == name
    assert word in choice.reason


@pytest.mark.parametrize(
    ("role", "name", "machine", "lacking"),
    [
        (
            "depth",
            "moge",
            Machine(),
            "the package moge (pip install --no-deps dlr-moge==2.0.0 dlr-utils3d==1.3); the package scipy",
        ),
        ("depth", "moge", Machine(packages=ALL - {"utils3d"}), "the package utils3d (pip"),
        (
            "depth",
            "depth_anything",
            Machine(packages=ALL - {"addict"}),
            "the package addict (pip install --no-deps dep",
        ),
        ("render", "gsplat", Machine(packages=ALL, compiler=True), "an NVIDIA GPU that torch sees"),
        ("render", "gsplat", Machine(cuda=True, packages=ALL), "nvcc"),
        ("render", "gsplat", Machine(cuda=True, compiler=True), "the package gsplat (pip install 'vistadream[gpu]')"),
    ],
)
def test_a_named_backend_that_cannot_run_is_an_error_that_says_what_is_missing(role, name, machine, lacking):
    with pytest.raises(UserError) as refused:
        check(role, name, machine)
    assert f"backends/{role}={name} cannot run here: it lacks" in str(refused.value)
    assert lacking in str(refused.value)


def test_the_command_ends_with_2_before_it_makes_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["single-img", "backends/render=gsplat", f"out={tmp_path / 'out'}", "rerun.mode=off"]) == 2
    assert "backends/render=gsplat cannot run here" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_this_machine_is_what_torch_the_packages_and_the_cache_say(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    assert this_machine().weights == frozenset()
    assert not this_machine().offline
    folder = tmp_path / "vistadream" / SMALL
    folder.mkdir(parents=True)
    (folder / "model.pt").touch()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = this_machine()
    assert found.weights == {SMALL}
    assert found.offline
    assert found.cuda == torch.cuda.is_available()
    assert found.packages == {package for package in INSTALL if packages.installed(package)}


def test_nvcc_is_found_where_cuda_home_says_and_works_with_a_compiler_for_cxx(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "folder", lambda package: None)
    monkeypatch.setenv("CXX", f"{sys.executable} -O2")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_HOME", str(tmp_path / "cuda"))
    assert not this_machine().compiler
    compiler = tmp_path / "cuda" / "bin" / "nvcc"
    compiler.parent.mkdir(parents=True)
    compiler.touch()
    assert this_machine().compiler
    monkeypatch.delenv("CXX")
    assert not this_machine().compiler, "PATH has no c++"


def test_kernels_that_came_with_gsplat_need_no_compiler(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "has_nvcc", lambda: False)
    monkeypatch.setattr(packages, "folder", {"gsplat": tmp_path}.get)
    assert not this_machine().compiler
    Path(tmp_path, "csrc.so").touch()
    assert this_machine().compiler


@pytest.mark.parametrize("cuda", [False, True])
def test_auto_never_takes_a_model_whose_license_is_not_accepted(monkeypatch, cuda):
    """All models are here, and all packages; the model is the one that the built backend would load."""
    machine = Machine(cuda, ALL, True, frozenset(MODELS))
    monkeypatch.setattr("vistadream.backends.auto.this_machine", lambda: machine)
    composed = compose(["image=x.png"])
    said = {choice.reason.split()[0] for choice in composed.choices.values()}
    backends = [composed.build(f"backends.{role}") for role in ("depth", "caption")]
    taken = {backend.entry for backend in backends if hasattr(backend, "entry")}
    taken |= {MODELS[word] for word in said & MODELS.keys()}
    assert taken
    assert all(model.license.commercial for model in taken)


PROMPTED = [Machine(True, ALL, True, frozenset(here)) for here in (("blip-base",), ())]


def test_a_captioner_looks_only_for_an_outpainter_that_reads_a_prompt():
    there, missing = PROMPTED
    assert choose("caption", there, outpainter="embedded").name == "fixed"
    assert "embedded reads no prompt" in choose("caption", there, outpainter="embedded").reason
    for outpainter in ("flux_fill", "flux2_klein"):
        assert choose("caption", there, outpainter=outpainter).name == "vlm"
        choice = choose("caption", missing, outpainter=outpainter)
        assert choice.name == "fixed"
        assert "vistadream download blip-base" in choice.reason
    assert choose("caption", Machine(weights=there.weights), outpainter="flux_fill").name == "fixed", "no packages"


def test_the_configuration_asks_for_a_captioner_of_the_outpainter_that_it_has(monkeypatch):
    monkeypatch.setattr("vistadream.backends.auto.this_machine", lambda: PROMPTED[0])
    assert compose(["image=x.png"]).choices["caption"].name == "fixed"
    painted = ["image=x.png", "backends/outpaint=flux2_klein"]
    assert compose(painted).choices["caption"].name == "vlm"
    assert compose([*painted, "backends.caption.text=a hall"]).choices["caption"].name == "fixed", (
        "what it says is given"
    )


def test_an_older_diffusers_cannot_inpaint_with_klein_and_the_command_that_mends_it_is_told():
    inpaint = next(package for package in ALL if "klein_inpaint" in package)
    machine = Machine(True, ALL - {inpaint}, True, frozenset({"flux2-klein-4b"}))
    choice = choose("outpaint", machine)
    assert choice.name == "embedded"
    assert "pip install 'diffusers>=0.38'" in choice.reason
    with pytest.raises(UserError, match=r"diffusers>=0\.38"):
        check("outpaint", "flux2_klein", machine)
    check("text_to_image", choose("text_to_image", machine).name, machine)


def test_pictures_from_words_need_the_model_and_nothing_is_taken_instead():
    weights = frozenset({"flux2-klein-4b"})
    for machine in (Machine(True, ALL, True, weights), Machine(False, ALL, weights=weights)):
        choice = choose("text_to_image", machine)
        assert choice.name in groups()["backends/text_to_image"]
        check("text_to_image", choice.name, machine)
    for machine in (Machine(True, ALL, True), Machine(True, ALL - {"diffusers"}, True, weights)):
        with pytest.raises(UserError, match="no backend of text_to_image can run here: flux2_klein lacks"):
            choose("text_to_image", machine)
