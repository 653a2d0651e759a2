"""The laws of the blend, on sources made by hand."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vistadream.backends.depth.blend import (
    LAYOUT,
    LAYOUT_ERROR,
    OUTDOORS,
    POSITION,
    WITHIN,
    Blend,
    blend,
    confidence,
)
from vistadream.backends.depth.sources import Sources, position_prior
from vistadream.core import Camera

H, W = 30, 45
CAMERA = Camera.from_fov(60, W, H)
RAMP, ACROSS = position_prior(H, W), torch.linspace(-1, 1, W).expand(H, -1)


def sources(seed: int = 0, **fields) -> Sources:
    """A network that sees what is lower as nearer, a layout that agrees with it, and no sky; each with random parts."""
    generator = torch.Generator().manual_seed(seed)
    detail, more = torch.rand(2, H, W, generator=generator)
    usual = {
        "network": RAMP + 0.5 * detail,
        "network_error": 0.1 + 0.2 * more,
        "position": RAMP,
        "layout": RAMP + 0.3 * ACROSS,
        "layout_trust": 1.0,
        "sky": torch.zeros(H, W),
    }
    return Sources(CAMERA, **(usual | fields))


def everything(found: Blend) -> torch.Tensor:
    """All numbers of a blend."""
    weights = torch.tensor([found.position, found.layout, found.doubt])
    return torch.cat([found.log_z.flatten(), found.confidence.flatten(), weights])


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0.0, 1.0), st.floats(-3, 3), st.floats(-3, 3))
def test_weights_and_confidence_are_within_their_bounds(seed, trust, sky, slope, other):
    detail = torch.rand(3, H, W, generator=torch.Generator().manual_seed(seed))
    made = sources(
        network=slope * RAMP + detail[0],
        layout=other * RAMP + detail[1],
        layout_trust=trust,
        sky=(detail[2] + sky).clamp(max=1),
    )
    found = blend(made)
    assert 0 <= found.position <= POSITION
    assert 0 <= found.layout <= LAYOUT * trust
    assert (found.confidence >= 0).all()
    assert (found.confidence <= 1).all()
    assert everything(found).isfinite().all()


@pytest.mark.parametrize("name", ["network", "position", "layout"])
@pytest.mark.parametrize("shift", [-4.0, 2.5])
def test_a_constant_that_is_added_to_a_source_changes_nothing(name, shift):
    made = sources()
    moved = replace(made, **{name: getattr(made, name) + shift})
    assert torch.allclose(everything(blend(moved)), everything(blend(made)), atol=1e-4)


def test_the_blend_is_mirrored_with_its_sources():
    made = sources(sky=0.02 + 0.01 * ACROSS)
    maps = {name: getattr(made, name).flip(1) for name in ("network", "network_error", "position", "layout", "sky")}
    found, mirrored = blend(made), blend(replace(made, **maps))
    assert torch.allclose(mirrored.log_z.flip(1), found.log_z, atol=1e-5)
    assert torch.allclose(mirrored.confidence.flip(1), found.confidence, atol=1e-5)
    for name in ("position", "layout", "doubt"):
        assert getattr(mirrored, name) == pytest.approx(getattr(found, name), abs=1e-5)


def test_sky_takes_the_weight_of_the_layout_away_smoothly():
    shares = torch.linspace(0, 1.2 * OUTDOORS, 61)
    weights = torch.tensor([blend(sources(sky=torch.full((H, W), float(share)))).layout for share in shares])
    assert float(weights[0]) == pytest.approx(LAYOUT)
    assert (weights[shares >= OUTDOORS] == 0).all()
    steps = -weights.diff()
    assert (steps >= -1e-6).all()
    assert (steps <= 1.6 * LAYOUT * (shares[1] - shares[0]) / OUTDOORS).all(), "1.5 is the steepest slope of the step"


def test_the_share_of_sky_counts_wherever_it_is():
    half, top = torch.full((H, W), 0.04), torch.zeros(H, W)
    top[: H // 5] = 0.2
    assert blend(sources(sky=half)).layout == pytest.approx(blend(sources(sky=top)).layout, abs=1e-5)


@given(st.integers(0, 1000), st.floats(0, 0.09), st.floats(0.1, 0.9), st.floats(-1, 1))
def test_a_small_change_of_the_evidence_makes_a_small_change_of_the_blend(seed, sky, trust, slope):
    generator = torch.Generator().manual_seed(seed)
    size = 1e-3
    made = sources(
        seed,
        network=slope * RAMP + torch.rand(H, W, generator=generator),
        sky=torch.full((H, W), sky),
        layout_trust=trust,
    )
    names = ("network", "network_error", "layout", "sky")
    changes = 2 * torch.rand(len(names), H, W, generator=generator) - 1
    maps = {name: getattr(made, name) + size * change for name, change in zip(names, changes, strict=True)}
    changed = replace(made, **maps | {"sky": maps["sky"].clamp(min=0), "layout_trust": trust + size})
    difference = everything(blend(changed)) - everything(blend(made))
    assert float(difference.abs().max()) < 20 * size


@pytest.mark.parametrize("seed", range(5))
def test_a_patch_that_becomes_sky_does_not_make_the_weights_jump(seed):
    """Its probability passes one half, where pixels begin to count as sky; the sources differ from their rest there."""
    found, patch = [], torch.zeros(H, W)
    patch[:3, :20] = 1
    slopes = 2 * torch.rand(6, generator=torch.Generator().manual_seed(seed)) - 1
    network, layout = (a * RAMP + b * ACROSS + 3 * c * patch for a, b, c in (slopes[:3], slopes[3:]))
    for probability in (0.499, 0.501):
        made = sources(network=network, layout=network + 0.5 * layout, sky=probability * patch)
        found.append(blend(made))
    assert found[1].layout == pytest.approx(found[0].layout, abs=0.02)
    assert found[1].position == pytest.approx(found[0].position, abs=0.02)


def test_a_network_that_sees_the_opposite_takes_the_weight_of_the_position_prior_away():
    slopes = torch.linspace(-1, 1, 41)
    detail = torch.randn(H, W, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([blend(sources(network=slope * RAMP + 0.5 * detail)).position for slope in slopes])
    assert float(weights[0]) == 0
    assert float(weights[-1]) == pytest.approx(POSITION)
    assert (weights.diff() >= -1e-6).all()
    assert float(weights.diff().max()) < 0.1 * POSITION * 2
    ceiling = blend(sources(network=-RAMP, layout_trust=0.0))
    assert torch.allclose(ceiling.log_z, -RAMP - (-RAMP).median(), atol=1e-5), "the network alone"


def test_the_position_prior_is_added_to_the_network_where_both_agree():
    found = blend(sources(network=2 * RAMP, layout_trust=0.0))
    assert torch.allclose(found.log_z, (2 + POSITION) * (RAMP - RAMP.median()), atol=1e-4)


@pytest.mark.parametrize("fields", [{"layout_trust": 0.0}, {"layout": -RAMP}])
def test_a_layout_without_trust_or_against_the_network_changes_nothing(fields):
    found, without = blend(sources(**fields)), blend(sources(layout=RAMP, layout_trust=0.0))
    assert found.layout == pytest.approx(0, abs=1e-6)
    assert torch.allclose(everything(found), everything(without), atol=1e-5)


def test_more_trust_brings_the_blend_nearer_to_the_layout():
    room = 2 * RAMP
    apart = []
    for trust in (0.0, 0.3, 0.6, 1.0):
        found = blend(sources(layout=room, layout_trust=trust)).log_z
        apart.append(float((found - room - (found - room).median()).abs().mean()))
    assert apart == sorted(set(apart), reverse=True)


def test_what_the_network_sees_stand_free_stays_while_the_room_follows_the_layout():
    spot = torch.zeros(H, W)
    spot[13:17, 21:25] = -0.5
    network, room = RAMP + 0.3 * ACROSS, RAMP - 0.3 * ACROSS
    plain, standing = (blend(sources(network=network + thing, layout=room)) for thing in (0 * spot, spot))
    assert plain.layout > 0
    forward = (standing.log_z - plain.log_z)[14:16, 22:24].mean() / -0.5
    assert float(forward) > 1 - standing.layout + 0.3, "more than the network's share of the blend"
    tilt = float(plain.log_z[:, -1].mean() - plain.log_z[:, 0].mean())
    seen = float(network[:, -1].mean() - network[:, 0].mean())
    assert tilt < 0.75 * seen, "a broad difference follows the layout"


def test_confidence_falls_with_the_expected_error_and_doubt_rises():
    found = [blend(sources(network_error=torch.full((H, W), error), layout_trust=0.0)) for error in (0.05, 0.1, 0.4)]
    means = [float(one.confidence.mean()) for one in found]
    assert means == sorted(set(means), reverse=True)
    assert [one.doubt for one in found] == pytest.approx([0.05, 0.1, 0.4])
    made = sources(layout_trust=0.0)
    order = made.network_error.flatten().argsort()
    assert (blend(made).confidence.flatten()[order].diff() <= 0).all()


def test_a_trusted_layout_takes_doubt_away():
    unsure = {"network_error": torch.full((H, W), 0.5)}
    alone, both = blend(sources(layout_trust=0.0, **unsure)), blend(sources(**unsure))
    assert alone.doubt == pytest.approx(0.5)
    assert both.doubt == pytest.approx(LAYOUT * LAYOUT_ERROR + (1 - LAYOUT) * 0.5)
    assert (both.confidence > alone.confidence).all()


def test_the_median_outside_of_the_sky_is_zero_and_a_picture_of_sky_is_blended_as_well():
    sky = torch.zeros(H, W)
    sky[: H // 3] = 0.9
    assert float(blend(sources(sky=sky)).log_z[H // 3 :].median()) == pytest.approx(0, abs=1e-6)
    assert everything(blend(sources(sky=torch.ones(H, W)))).isfinite().all()


def test_confidence_is_the_probability_of_a_small_error():
    error = torch.distributions.Laplace(0.0, 0.2).sample((200_000,))
    right = (error.abs() < WITHIN).float().mean()
    assert torch.allclose(confidence(torch.tensor(0.2)), right, atol=0.005)
    assert float(confidence(torch.tensor(0.0))) == 1
