"""FLUX.1-Fill behind our protocol: diffusers' own pipeline on tiny random weights in the published layouts."""

import dataclasses
import json
import shutil
import weakref
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file

from vistadream.backends.diffusion import outpainter, trial
from vistadream.backends.diffusion.flux1_fill import files
from vistadream.backends.diffusion.plan import Plan
from vistadream.backends.outpaint.flux_fill import FluxFill
from vistadream.backends.weights.policy import Policy
from vistadream.backends.weights.residence import resident
from vistadream.config import compose
from vistadream.core import Note, Outpainter, Progress, UserError, use_observer
from vistadream.ops.image.pixels import pad_mask

pytest.importorskip("diffusers", reason="the extra `models` is not installed")

HOLE = pad_mask(32, 48, 8, 8)


@pytest.fixture(autouse=True)
def here(monkeypatch, flux_single):
    """No network, no GPU, the small sizes, and a cache of prompts that serves all of these tests."""
    monkeypatch.setenv("HF_HOME", str(flux_single / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(files, "CONFIGURATIONS", flux_single / "configurations")


def painter(folder, **knobs):
    given = {
        "path": folder,
        "text_path": None,
        "accept_noncommercial": True,
        "memory": "high",
        "steps": 2,
        "device": "auto",
    }
    return FluxFill(**given | {"guidance": 30.0, "max_px": 1024, "feather_px": 4.0} | knobs)


def picture(hole=HOLE, seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 4, 6, generator=generator)
    rgb = torch.nn.functional.interpolate(coarse, hole.shape, mode="bicubic").clamp(0, 1)[0].permute(1, 2, 0)
    return torch.where(hole[..., None], 0, rgb)


def events(act):
    """What the act tells the run's observer."""
    seen = []
    with use_observer(lambda name, value, step=None: seen.append((name, value))):
        act()
    return seen


def refuses_text(monkeypatch):
    def encoders(*_):
        raise AssertionError("a text encoder was loaded")

    monkeypatch.setattr(files, "encoders", encoders)


@pytest.mark.parametrize("hole", [HOLE, ~HOLE, pad_mask(31, 40, 9, 3), torch.ones(33, 20, dtype=torch.bool)])
def test_known_pixels_stay_and_the_hole_is_painted_at_any_size(flux_folder, hole):
    rgb = picture(hole)
    painted = painter(flux_folder)(rgb, hole, "a sunlit library", 0)
    assert isinstance(painter(flux_folder), Outpainter)
    assert torch.equal(painted[~hole], rgb[~hole])
    assert 0 <= float(painted.min()) <= float(painted.max()) <= 1
    assert float(painted[hole].std()) > 0.01
    assert not painted.requires_grad


@pytest.mark.parametrize("side_px", [1, 5])
def test_the_model_sees_every_pixel_of_a_hole_and_no_other(flux_folder, scattered_holes, monkeypatch, side_px):
    """diffusers' own preparation lays the mask's pixels out as channels, so that none is lost by shrinking it."""
    import diffusers

    prepare, seen = diffusers.FluxFillPipeline.prepare_mask_latents, []

    def prepared(self, *args):
        mask, latents = prepare(self, *args)
        seen.append(mask)
        return mask, latents

    monkeypatch.setattr(diffusers.FluxFillPipeline, "prepare_mask_latents", prepared)
    hole = scattered_holes(side_px)[:96, :192]
    painter(flux_folder, steps=1)(picture(hole), hole, "a library", 0)
    (mask,) = seen
    assert mask.numel() == hole.numel()
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert int(mask.sum()) == int(hole.sum())


def test_the_seed_and_the_prompt_decide_the_picture_and_the_hole_s_colours_do_not(flux_folder):
    paint, rgb = painter(flux_folder), picture()
    first = paint(rgb, HOLE, "a library", 1)
    state = torch.get_rng_state()
    assert torch.equal(paint(rgb, HOLE, "a library", 1), first)
    assert torch.equal(torch.get_rng_state(), state)
    resident.release()
    dirty = torch.where(HOLE[..., None], torch.rand_like(rgb), rgb)
    assert torch.equal(paint(dirty, HOLE, "a library", 1)[HOLE], first[HOLE])
    for other in [(rgb, HOLE, "a library", 2), (rgb, HOLE, "a forest", 1), (picture(seed=5), HOLE, "a library", 1)]:
        assert not torch.equal(paint(*other), first)


def test_nothing_to_paint_asks_for_no_model(tmp_path):
    rgb = picture()
    assert torch.equal(painter(tmp_path)(rgb, torch.zeros_like(HOLE), "", 0), rgb)


def test_a_cached_prompt_needs_no_text_encoder_and_paints_the_same_bits(flux_folder, monkeypatch):
    rgb = picture()
    first = painter(flux_folder)(rgb, HOLE, "a cached one", 1)
    resident.release()
    refuses_text(monkeypatch)
    assert torch.equal(painter(flux_folder)(rgb, HOLE, "a cached one", 1), first)
    with pytest.raises(AssertionError, match="text encoder was loaded"):
        painter(flux_folder)(rgb, HOLE, "another", 1)


def test_single_files_paint_what_the_folder_of_the_same_weights_paints(flux_folder, flux_single):
    rgb = picture()
    expected = painter(flux_folder)(rgb, HOLE, "a library", 1)
    single = painter(flux_single, text_path=flux_folder)(rgb, HOLE, "a library", 1)
    torch.testing.assert_close(single, expected, atol=1e-4, rtol=0)


def test_the_pipeline_s_own_call_paints_the_same(flux_folder):
    """The three pieces add up to what diffusers does in one call."""
    from diffusers import FluxFillPipeline

    hole = torch.ones(32, 48, dtype=torch.bool)
    theirs = FluxFillPipeline.from_pretrained(flux_folder, local_files_only=True)
    theirs.set_progress_bar_config(disable=True)
    expected = theirs(
        prompt="a library",
        image=torch.zeros(1, 3, 32, 48),
        mask_image=torch.ones(1, 1, 32, 48),
        height=32,
        width=48,
        num_inference_steps=2,
        guidance_scale=30.0,
        generator=torch.Generator().manual_seed(7),
        output_type="pt",
    ).images[0]
    ours = painter(flux_folder)(torch.zeros(32, 48, 3), hole, "a library", 7)
    torch.testing.assert_close(ours, expected.permute(1, 2, 0), atol=1e-4, rtol=0)


@pytest.fixture
def card(monkeypatch, tmp_path):
    """Pretends that the CPU is a card with this number of bytes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def of(size):
        monkeypatch.setattr(resident, "free_bytes", lambda: size)
        resident.release()

    return of


def test_every_plan_paints_nearly_the_same_picture(flux_folder, card, monkeypatch):
    rgb, paint = picture(), painter(flux_folder)
    pictures = {"as published": paint(rgb, HOLE, "a library", 1)}
    spread = float(pictures["as published"][HOLE].std())
    for plan in (Plan(streamed=(0, 1)), Plan(fp8=True), Plan(fp8=True, streamed=(0, 1, 2), tiles=True)):
        monkeypatch.setattr(FluxFill, "_chooser", lambda *_, plan=plan: plan)
        pictures[str(plan)] = paint(rgb, HOLE, "a library", 1)
        assert torch.equal(pictures[str(plan)][~HOLE], rgb[~HOLE])
        assert float((pictures[str(plan)] - pictures["as published"])[HOLE].abs().mean()) < 0.3 * spread, plan
    published, streamed, fp8, fp8_streamed = pictures.values()
    assert torch.equal(streamed, published)
    torch.testing.assert_close(fp8_streamed, fp8, atol=1e-4, rtol=0)


def test_a_small_card_gets_a_plan_that_fits_it_tried_once(flux_folder, card, monkeypatch):
    """Where two plans are possible, each makes two steps, and a later run remembers which was faster."""
    rgb = picture()
    painter(flux_folder)(rgb, HOLE, "a library", 1)  # the prompt is encoded
    two = [Plan(fp8=True), Plan(streamed=(0, 2), cost_bytes=9)]
    monkeypatch.setattr(trial, "plans", lambda read, budget, pixels: two if read() and budget.card_bytes else [])
    card(10**9)

    def paint():
        resident.release()
        seen = events(lambda: painter(flux_folder)(rgb, HOLE, "a library", 1))
        assert len([value for _, value in seen if isinstance(value, Progress)]) == 2, "trials are not reported as steps"
        return [value.text for name, value in seen if isinstance(value, Note) and name != "outpaint/size"]

    first, second = paint(), paint()
    assert sum("on the cpu: weights in fp8, all resident" in text for text in first) >= 1
    assert sum("on the cpu: weights as published, 2 blocks streamed" in text for text in first) >= 1
    assert sum("s a step" in text for text in first) == 1
    assert sum("s a step" in text for text in second) == 0, "what was tried is remembered"
    assert sum("on the cpu" in text for text in second) == 1


def test_on_the_cpu_a_card_does_not_matter(flux_folder, card):
    rgb = picture()
    expected = painter(flux_folder)(rgb, HOLE, "a library", 1)
    card(1000)
    said = []
    with use_observer(lambda name, value, step=None: said.append(getattr(value, "text", ""))):
        assert torch.equal(painter(flux_folder, device="cpu")(rgb, HOLE, "a library", 1), expected)
    assert any("on the cpu: weights as published, all resident" in text for text in said)


def test_the_text_encoders_are_gone_when_the_transformer_is_read(flux_folder, monkeypatch):
    alive, seen = [], []
    encoders, read = files.encoders, files.painter

    def watched(*given):
        pipeline = encoders(*given)
        alive.extend(weakref.ref(part) for part in (pipeline.text_encoder, pipeline.text_encoder_2))
        return pipeline

    def painter_read(*given):
        seen.append([ref() is None for ref in alive])
        return read(*given)

    monkeypatch.setattr(files, "encoders", watched)
    monkeypatch.setattr(files, "painter", painter_read)
    resident.release()
    painter(flux_folder)(picture(), HOLE, "a prompt that nobody has encoded", 1)
    assert seen[-1] == [True, True]


class FullCard:
    """The card is full the first time that a piece begins, and counts what each does."""

    def __init__(self, monkeypatch, full):
        self.calls = []
        for piece in ("_encode", "_denoise", "_decode"):
            monkeypatch.setattr(FluxFill, piece, self.watched(piece, getattr(FluxFill, piece), piece == full))

    def watched(self, piece, work, full):
        def run(painter, *arguments):
            policy = arguments[-1].policy
            self.calls.append(f"{piece} {policy}")
            if full and policy is Policy.HIGH:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return work(painter, *arguments)

        return run


@pytest.mark.parametrize(
    ("full", "calls"),
    [
        ("_encode", ["_encode high", "_encode balanced", "_denoise high", "_decode high"]),
        ("_denoise", ["_encode high", "_denoise high", "_denoise balanced", "_decode balanced"]),
        ("_decode", ["_encode high", "_denoise high", "_decode high", "_decode balanced"]),
    ],
)
def test_a_full_card_repeats_one_piece_with_less(flux_folder, monkeypatch, full, calls):
    card = FullCard(monkeypatch, full)
    paint = painter(flux_folder, memory="high")
    said = events(lambda: paint(picture(), HOLE, f"a prompt that is new when {full} fails", 1))
    assert card.calls == calls
    assert [value.text for _, value in said if isinstance(value, Note) and value.level == "warning"] == [
        f"{'flux-text' if full == '_encode' else 'flux-fill'}: the GPU is full; going on with memory=balanced"
    ]


def smaller(of, height, width, multiple, max_px):
    """The working size under max_px=32, which the knob itself does not allow."""
    return of(height, width, multiple, 32)


def test_steps_are_told_and_a_smaller_working_size_is_too(flux_folder, monkeypatch):
    hole = pad_mask(40, 60, 4, 2)
    monkeypatch.setattr(outpainter.WorkingSize, "of", partial(smaller, outpainter.WorkingSize.of))
    seen = events(lambda: painter(flux_folder)(picture(hole), hole, "", 0))
    told = [value for name, value in seen if name == "outpaint/flux-fill/progress"]
    assert told == [Progress(1, 2), Progress(2, 2)]
    (size,) = [value.text for name, value in seen if name == "outpaint/size"]
    assert "64x48 pixels are painted as 37x28" in size


def test_a_license_that_is_not_accepted_is_asked_for_even_when_the_files_are_here(flux_folder):
    with pytest.raises(UserError, match=r"may not be used commercially .*accept_noncommercial=true.*flux2-klein-4b"):
        painter(flux_folder, accept_noncommercial=False)(picture(), HOLE, "", 0)


def test_missing_weights_name_the_folder_or_the_download(flux_single, tmp_path):
    with pytest.raises(UserError, match=r"lacks flux1-fill-dev.safetensors, ae.safetensors"):
        painter(tmp_path)(picture(), HOLE, "", 0)
    with pytest.raises(UserError, match="flux-fill is not here and HF_HUB_OFFLINE is set"):
        FluxFill(**dataclasses.asdict(painter(tmp_path)) | {"path": None})(picture(), HOLE, "", 0)
    with pytest.raises(UserError, match="flux-text is not here and HF_HUB_OFFLINE is set"):
        painter(flux_single)(picture(), HOLE, "", 0)


@pytest.mark.parametrize("part", ["text_encoder", "text_encoder_2"])
def test_text_encoders_that_are_not_whole_are_refused(flux_folder, flux_single, tmp_path, part):
    broken = tmp_path / "text"
    shutil.copytree(flux_folder, broken)
    (file,) = (broken / part).glob("*.safetensors")
    tensors = load_file(file)
    lost = next(name for name in tensors if name.endswith("k_proj.weight") or name.endswith(".k.weight"))
    save_file({name: t.clone() for name, t in tensors.items() if name != lost}, file)
    with pytest.raises(UserError, match=rf"{part} lacks 1 of the model's tensors.*wanted the files as published"):
        painter(flux_single, text_path=broken)(picture(), HOLE, "", 0)
    shutil.rmtree(broken / "tokenizer_2")
    (broken / "tokenizer_2").mkdir()
    (broken / "tokenizer_2" / "config.json").touch()
    with pytest.raises(UserError, match=r"tokenizer_2 has no vocabulary; wanted one of tokenizer\.json"):
        painter(flux_single, text_path=broken)(picture(), HOLE, "", 0)


def test_a_pipeline_of_another_kind_is_named(tmp_path):
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "FluxPipeline"}))
    with pytest.raises(UserError, match="holds a FluxPipeline; wanted a FluxFillPipeline"):
        painter(tmp_path)(picture(), HOLE, "", 0)


@pytest.mark.parametrize(
    ("knob", "value"),
    [("memory", "most"), ("device", "tpu"), ("steps", 0), ("guidance", -1.0), ("max_px", 100), ("feather_px", 0.0)],
)
def test_a_knob_out_of_range_is_refused_by_name(tmp_path, knob, value):
    with pytest.raises(ValueError, match=rf"FluxFill\.{knob}: got {value!r}; wanted"):
        painter(tmp_path, **{knob: value})


def test_the_configuration_builds_it():
    words = ["image=x.png", "backends/outpaint=flux_fill", "accept_noncommercial=true", "memory=low"]
    built = compose(words).build("backends.outpaint")
    assert isinstance(built, FluxFill)
    assert (built.accept_noncommercial, built.memory, built.steps, built.guidance) == (True, "low", 25, 30.0)
