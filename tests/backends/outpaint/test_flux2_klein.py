"""Outpainting by a tiny FLUX.2-klein: what is known stays, what is painted is what diffusers paints."""

import time
from functools import partial

import pytest
import torch

from vistadream.backends.diffusion.compositing import composite
from vistadream.backends.diffusion.plan import Plan
from vistadream.backends.outpaint.flux2_klein import KleinOutpainter, smooth_fill
from vistadream.config import compose, configured
from vistadream.core import Note, Outpainter, Progress, UserError, use_observer

OUTPAINTER = configured("backends/outpaint=embedded")

HEIGHT, WIDTH = 48, 64


INPAINT = "diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint"
pytest.importorskip(INPAINT, reason="FLUX.2-klein's inpainting is not in this diffusers; 0.38 has it")
pytestmark = pytest.mark.usefixtures("klein_alone")


def grey(rgb, hole, prompt, seed, level=0.5):
    """A prefill whose result the tests know."""
    return torch.where(hole[..., None], level, rgb)


def outpainter(folder, **knobs):
    given = {"first_fill": "patches", "prefill": grey, "path": folder, "memory": "auto", "steps": 2}
    return KleinOutpainter(**given | {"device": "auto", "max_px": 256, "feather_px": 4.0} | knobs)


def canvas(height=HEIGHT, width=WIDTH):
    """A smooth picture with noise, and a border around it to be painted."""
    x, y = torch.meshgrid(torch.linspace(0, 1, width), torch.linspace(0, 1, height), indexing="xy")
    rgb = (torch.stack([x, y, 1 - x], -1) + 0.1 * torch.rand(height, width, 3)).clamp(0, 1)
    hole = torch.ones(height, width, dtype=torch.bool)
    hole[height // 6 : -height // 6, width // 5 : -width // 5] = False
    return torch.where(hole[..., None], 0, rgb), hole


def tokens_of(hole):
    """The tokens of 16 x 16 pixels with any hole in them."""
    h, w = hole.shape
    return hole.reshape(h // 16, 16, w // 16, 16).any(3).any(1)


def spread(tokens):
    """The pixels of tokens."""
    return tokens.repeat_interleave(16, 0).repeat_interleave(16, 1)


@pytest.fixture
def painted_tokens(monkeypatch):
    """What diffusers' own preparation makes of the mask: the share of each token that is painted."""
    import diffusers

    pipeline = diffusers.Flux2KleinInpaintPipeline
    prepare, seen = pipeline.prepare_mask_latents, []

    def prepared(self, mask, batch_size, num_images, height, width, *more):
        tokens = prepare(self, mask, batch_size, num_images, height, width, *more)
        seen.append(tokens.reshape(height // 16, width // 16))
        return tokens

    monkeypatch.setattr(pipeline, "prepare_mask_latents", prepared)
    return seen


@pytest.mark.parametrize("side_px", [1, 5, 8, 16, 64])
def test_every_pixel_of_a_hole_lies_in_a_token_that_is_painted_wherever_the_hole_lies(
    klein_folder, scattered_holes, painted_tokens, side_px
):
    hole = scattered_holes(side_px)
    outpainter(klein_folder, steps=1, max_px=512)(torch.rand(*hole.shape, 3), hole, "a hall", 0)
    (tokens,) = painted_tokens
    assert bool((spread(tokens)[hole] == 1).all())
    assert torch.equal(tokens == 0, ~tokens_of(hole)), "and a token without a hole stays known"


@pytest.mark.parametrize("width", [90, 1200])
def test_a_narrow_border_is_painted_also_where_the_picture_is_painted_smaller(klein_folder, painted_tokens, width):
    hole = torch.ones(80, width, dtype=torch.bool)
    hole[5:-5, 5:-5] = False
    outpainter(klein_folder, steps=1)(torch.rand(80, width, 3), hole, "", 0)
    (tokens,) = painted_tokens
    rim = torch.ones_like(tokens, dtype=torch.bool)
    rim[1:-1, 1:-1] = False
    assert bool((tokens[rim] == 1).all())


@pytest.mark.parametrize("memory", ["high", "balanced", "low"])
def test_known_pixels_are_the_photo_s_own_under_every_policy(klein_folder, memory):
    rgb, hole = canvas(37, 90)  # no multiples of anything
    painted = outpainter(klein_folder, memory=memory)(rgb, hole, "a hall", 0)
    assert torch.equal(painted[~hole], rgb[~hole])
    assert painted.shape == rgb.shape
    assert float(painted.min()) >= 0
    assert float(painted.max()) <= 1
    assert not torch.equal(painted[hole], rgb[hole])


def test_what_is_painted_is_what_diffusers_paints_into_the_prefilled_canvas(klein_folder):
    import diffusers

    one = outpainter(klein_folder)
    assert isinstance(one, Outpainter)
    rgb, hole = canvas()
    told = []
    with use_observer(lambda name, value, step=None: told.append(value)):
        ours = one(rgb, hole, "a hall", 3)
    assert [value for value in told if isinstance(value, Progress)] == [Progress(1, 2), Progress(2, 2)]
    pipeline = diffusers.Flux2KleinInpaintPipeline.from_pretrained(
        klein_folder, text_encoder=None, tokenizer=None, local_files_only=True
    )
    theirs = pipeline(
        **one._klein.embeddings("a hall"),
        image=grey(rgb, hole, "", 0).permute(2, 0, 1)[None],
        mask_image=spread(tokens_of(hole)).float()[None, None],
        strength=1.0,
        num_inference_steps=2,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(3),
        output_type="pt",
    ).images[0]
    torch.testing.assert_close(ours, composite(theirs.permute(1, 2, 0), rgb, hole), rtol=0, atol=1e-4)


def test_the_published_files_are_read_without_a_warning(klein_folder, diffusers_warnings):
    outpainter(klein_folder)._klein._load_painter(Plan())
    assert diffusers_warnings.messages == []


def test_seed_prompt_and_prefill_make_the_picture_and_nothing_else_does(klein_folder):
    rgb, hole = canvas()
    one = outpainter(klein_folder)
    first = one(rgb, hole, "a hall", 0)
    assert torch.equal(outpainter(klein_folder)(rgb, hole, "a hall", 0), first)
    assert not torch.equal(one(rgb, hole, "a hall", 1), first)
    assert not torch.equal(one(rgb, hole, "a dark cellar", 0), first)
    dark = outpainter(klein_folder, prefill=partial(grey, level=0.1))
    assert not torch.equal(dark(rgb, hole, "a hall", 0), first)


def test_the_smooth_fill_is_the_default_and_knows_no_texture_and_no_hole_s_colours():
    built = compose(["image=x.png", "backends/outpaint=flux2_klein"]).build("backends.outpaint")
    assert built.first_fill == "smooth"
    assert built.prefill == OUTPAINTER
    x, y = torch.meshgrid(torch.linspace(0, 1, WIDTH), torch.linspace(0, 1, HEIGHT), indexing="xy")
    plane = torch.stack([x, y, 0.5 * (x + y)], -1)
    inside = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    inside[12:30, 20:44] = True
    torch.testing.assert_close(smooth_fill(plane.masked_fill(inside[..., None], 9.0), inside), plane, atol=2e-3, rtol=0)
    rgb, hole = canvas()
    filled = smooth_fill(rgb, hole)
    assert torch.equal(filled[~hole], rgb[~hole])
    assert float(filled[hole].min()) >= float(rgb[~hole].min())
    assert float(filled[hole].max()) <= float(rgb[~hole].max()), "a mean of what surrounds it is between its values"


def test_the_photo_s_pixels_are_its_own_whatever_fills_the_hole_first(klein_folder):
    rgb, hole = canvas()
    smooth = outpainter(klein_folder, first_fill="smooth")(rgb, hole, "a hall", 0)
    patches = outpainter(klein_folder, prefill=OUTPAINTER)(rgb, hole, "a hall", 0)
    assert torch.equal(smooth[~hole], rgb[~hole])
    assert not torch.equal(smooth, patches), "the model sees what fills the hole"


def test_the_smooth_fill_costs_less_than_patches():
    """In work, counted by time on one core: at 1024 px a twentieth."""
    rgb, hole = canvas(384, 512)

    def seconds(fill):
        fill()
        begun = time.process_time()
        fill()
        return time.process_time() - begun

    assert 5 * seconds(lambda: smooth_fill(rgb, hole)) < seconds(lambda: OUTPAINTER(rgb, hole, "", 0))


def test_a_large_picture_is_painted_smaller_and_says_so(klein_folder):
    rgb, hole = canvas(160, 500)
    notes = []
    with use_observer(lambda name, value, step=None: notes.append(value.text) if isinstance(value, Note) else None):
        painted = outpainter(klein_folder, steps=1, memory="low")(rgb, hole, "", 0)
    assert torch.equal(painted[~hole], rgb[~hole])
    assert any("500x160 pixels are painted as" in note for note in notes)


def test_nothing_to_paint_loads_nothing_and_nothing_known_is_refused(klein_folder, tmp_path):
    rgb, hole = canvas()
    assert outpainter(tmp_path / "none")(rgb, torch.zeros_like(hole), "", 0) is rgb
    with pytest.raises(ValueError, match="pixels are hole"):
        outpainter(klein_folder, prefill=OUTPAINTER)(rgb, torch.ones_like(hole), "", 0)
    with pytest.raises(ValueError, match="pixels are hole"):
        outpainter(klein_folder, first_fill="smooth")(rgb, torch.ones_like(hole), "", 0)


def test_without_its_files_nothing_is_computed_and_the_error_says_what_to_do(tmp_path):
    rgb, hole = canvas()

    def refuse(*_):
        raise AssertionError("the hole was filled in vain")

    with pytest.raises(UserError, match="flux2-klein-4b is not here and HF_HUB_OFFLINE is set"):
        outpainter(tmp_path, path=None, prefill=refuse)(rgb, hole, "", 0)


@pytest.mark.parametrize(
    "knobs", [{"memory": "all"}, {"first_fill": "grey"}, {"steps": 0}, {"max_px": 100}, {"feather_px": 0.0}]
)
def test_a_senseless_knob_is_refused_by_name(knobs):
    with pytest.raises(ValueError, match=f"KleinOutpainter.{next(iter(knobs))}.*wanted"):
        outpainter("x", **knobs)
