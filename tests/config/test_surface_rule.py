"""No loss, weight or regulariser of thinness, thickness or flatness passes, however it is spelt; others do."""

import pytest

from vistadream.config.surface_rule import flattening_knob


def nested(path: str, value: object) -> dict:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


FLATTENING = [
    "thinness",
    "flatness",
    "stages.refine.flatness_weight",
    "stages.refine.thickness_loss",
    "stages.refine.losses.flat",
    "stages.refine.thin.weight",
    "regularizers.thick",
    "stages.refine.FlatLoss",
    "stages.refine.flatloss",
    "stages.refine.lambdaThin",
    "stages.refine.lambda_thin",
    "stages.refine.slab_prior",
    "stages.refine.thickness_reg",
    "stages.refine.flatten_gaussians",
    "stages.refine.min_scale_penalty",
    "stages.refine.scale_loss_weight",  # PGSR
    "stages.refine.two_d_gaussians",  # DN-Splatter
    "stages.refine.z_scale_reg",  # gsplat
    "stages.refine.scale_z_reg",
    "backends.render.surfels",
    "backends.render.use_2dgs",
]


@pytest.mark.parametrize("path", FLATTENING)
def test_a_regulariser_of_thinness_is_found_wherever_it_stands(path: str) -> None:
    assert flattening_knob(nested(path, 1.0)) == path
    assert flattening_knob(nested(f"a.b.{path}", None)) == f"a.b.{path}"


@pytest.mark.parametrize(
    ("config", "path"),
    [
        (nested("stages.refine.losses", ["l1", "flatness"]), "stages.refine.losses[1]"),
        (nested("stages.refine.losses", [{"name": "l1"}, {"thin_weight": 1}]), "stages.refine.losses[1].thin_weight"),
        (nested("stages.refine.loss", "flat"), "stages.refine.loss"),
        (nested("stages.refine.extra._target_", "some.package.FlatnessLoss"), "stages.refine.extra._target_"),
    ],
)
def test_a_value_that_is_a_name_counts_too(config: dict, path: str) -> None:
    assert flattening_knob(config) == path


@pytest.mark.parametrize(
    "path",
    [
        "stages.initialize.lifting.thickness",
        "stages.coarse.lifting.thickness",
        "stages.coarse.thin_hole_px",
        "stages.coarse.thin_holes.weight",
        "stages.refine.surface.depth_weight",
        "stages.refine.surface.normal_weight",
        "stages.refine.fitting.generated_weight",
        "stages.refine.fitting.rates.scales",
        "stages.refine.scale_reg",  # of size, not of shape
        "stages.refine.inflate_weight",
        "stages.refine.think_weight",
        "backends.weights.something_within",
    ],
)
def test_what_does_not_flatten_stays_free(path: str) -> None:
    assert flattening_knob(nested(path, 0.5)) is None


def test_words_of_a_person_are_no_names() -> None:
    assert flattening_knob({"image": "flat_loss.png", "prompt": "a thin weight", "loss_plot": "thin/flat.png"}) is None
