"""The list of results, and the switches of version 0.1 for it."""

from collections.abc import Sequence
from dataclasses import fields

import pytest
from hydra.utils import get_class

from vistadream.config import compose, of_the_replaced, reference
from vistadream.config.exports import SWITCHES, default_exports, export_names
from vistadream.core import Exporter, UserError


def exports(*words: str) -> dict:
    return compose(["image=x.png", *words]).build("export")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["gaussians", "video", "metrics", "report"]),
        (["export=[ply,video,report]"], ["gaussians", "video", "report"]),
        (["export=ply"], ["gaussians"]),
        (["export=[]"], []),
        (["export=[ply]", "export.videos=[]"], ["gaussians"]),
        (["export.report=false"], ["gaussians", "video", "metrics"]),
        (["export.fastgs=true"], ["gaussians", "video", "metrics", "report", "fastgs"]),
        (["export=[fastgs]", "export.report=true"], ["fastgs", "report"]),
        (["export.report=false", "export=[report]"], ["report"]),
        (["export=[ply]", "export=[metrics]"], ["metrics"]),
    ],
)
def test_the_list_names_the_results_and_later_words_prevail(words: list[str], names: list[str]) -> None:
    built = exports(*words)
    assert list(built) == names
    assert all(isinstance(exporter, Exporter) for exporter in built.values())


def test_short_names_are_formats_of_the_gaussians() -> None:
    assert exports("export=[splat,ply]")["gaussians"].formats == ["splat", "ply"]
    assert exports("export=[gaussians,splat,ply]")["gaussians"].formats == ["splat", "ply"]


def test_every_switch_of_version_0_1_is_a_result() -> None:
    assert set(SWITCHES.values()) <= set(export_names())
    assert set(default_exports()) <= set(export_names())


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["export=[plyy]"], r"plyy is not a result; wanted some of .*; did you mean ply\?"),
        (["export=[vido,ply]"], r"did you mean video\?"),
        (["export=null"], "is not a list of results; wanted some of"),
        (["export={a: 1}"], "is not a list of results"),
        (["export=[[ply]]"], "is not a result"),
        (["export=ply,splat"], "is not a list of results"),
        (["export.report=maybe"], "neither true nor false"),
        (["export=[ply]", "export.video_fps=3"], r"video, which export=\[gaussians\] does not name; wanted video on"),
        (["export.vido.fps=3"], r"is not a knob; .*did you mean export\.video\.fps\?"),
        (["+export.x=1"], "is not a knob"),
        (["export.video.crff=3"], r"did you mean export\.video\.crf\?"),
        (["export.video.fps=fast"], "wanted int"),
    ],
)
def test_what_is_not_possible_is_one_sentence(words: list[str], match: str) -> None:
    with pytest.raises(UserError, match=match):
        exports(*words)


@pytest.mark.parametrize(
    ("saved", "new", "left_out"),
    [
        (["export.video.fps=3", "seed=1"], ["export=[ply]"], ["export.video.fps=3"]),
        (["export.video.fps=3"], ["export=[ply,video]"], []),
        (["export=[fastgs]"], ["export.report=true"], []),
        (
            ["export.gaussians.formats=[splat]", "export.video.pictures=[]"],
            ["export=[video]"],
            ["export.gaussians.formats=[splat]"],
        ),
        (["flight.frames=5"], ["export=[ply]"], []),
        (["export=[ply,spz]"], ["export=[metrics]"], []),
    ],
)
def test_saved_knobs_of_results_that_are_taken_off_the_list_are_left_out(
    saved: Sequence[str], new: Sequence[str], left_out: Sequence[str]
) -> None:
    assert of_the_replaced(saved, new) == left_out
    assert compose([word for word in saved if word not in left_out] + [*new])


def test_help_names_every_result_and_its_knobs() -> None:
    text = reference()
    words = [f"export=[{','.join(export_names())}]", "backends/depth=depth_anything"]
    for name, exporter in exports(*words).items():
        assert f"export.{name}.*:" in text
        for field in fields(get_class(f"{type(exporter).__module__}.{type(exporter).__qualname__}")):
            assert f"\n{field.name}:" in text


def test_knobs_that_differ_from_the_defaults_are_knobs_alone() -> None:
    assert compose(["image=x.png", "export=[video,fastgs]", "export.video.fps=3"]).changed() == {
        "export.video.fps": (3, 24)
    }
