"""Pictures from words by a tiny FLUX.2-klein: as diffusers makes them, from the parts that the outpainter has."""

import importlib.util
import shutil

import pytest
import torch

from vistadream.app import run
from vistadream.backends import packages
from vistadream.backends.diffusion import klein
from vistadream.backends.outpaint.flux2_klein import KleinOutpainter
from vistadream.backends.text_to_image.flux2_klein import KleinTextToImage
from vistadream.backends.weights.residence import resident
from vistadream.backends.weights.store import lacking
from vistadream.config import configured
from vistadream.core import Progress, TextToImage, UserError, use_observer
from vistadream.ops.image.pixels import snap

OUTPAINTER = configured("backends/outpaint=embedded")

pytestmark = pytest.mark.usefixtures("klein_alone")


def test_the_module_that_inpaints_is_found_as_python_finds_it():
    (module,) = [name for name in packages.INSTALL if "klein_inpaint" in name]
    assert packages.installed(module) == (importlib.util.find_spec(module) is not None)
    assert packages.installed("diffusers")
    assert not packages.installed("diffusers.pipelines.no_such_module")
    assert not packages.installed("no_such_package.module")


def text_to_image(folder, **knobs):
    return KleinTextToImage(**{"path": folder, "device": "auto", "memory": "auto", "steps": 2} | knobs)


def test_a_picture_is_the_one_that_diffusers_makes(klein_folder):
    import diffusers

    one = text_to_image(klein_folder)
    assert isinstance(one, TextToImage)
    assert lacking(klein.KLEIN, klein_folder) == [], "the fixture has the files of the published model"
    told = []
    with use_observer(lambda name, value, step=None: told.append((name, value))):
        ours = one("a sunlit library", 64, 48, 7)
    pipeline = diffusers.Flux2KleinPipeline.from_pretrained(klein_folder, local_files_only=True)
    theirs = pipeline(
        prompt="a sunlit library",
        width=64,
        height=48,
        num_inference_steps=2,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(7),
        output_type="pt",
    ).images[0]
    assert ours.shape == (48, 64, 3)
    torch.testing.assert_close(ours, theirs.permute(1, 2, 0), rtol=0, atol=1e-5)
    assert [value for name, value in told if name.endswith("/progress")] == [Progress(1, 2), Progress(2, 2)]


def test_words_seed_and_size_make_the_picture_and_nothing_else_does(klein_folder):
    one = text_to_image(klein_folder)
    library = one("a sunlit library", 32, 32, 0)
    assert torch.equal(text_to_image(klein_folder)("a sunlit library", 32, 32, 0), library)
    assert not torch.equal(one("a sunlit library", 32, 32, 1), library)
    assert not torch.equal(one("a dark cellar", 32, 32, 0), library)
    first, second = one._klein.embeddings("a sunlit library"), one._klein.embeddings("a dark cellar")
    assert not torch.equal(first["prompt_embeds"], second["prompt_embeds"])


def test_the_policy_that_saves_most_memory_makes_about_the_same_picture(klein_folder):
    full = text_to_image(klein_folder, memory="high")("a hall", 32, 32, 0)
    less = text_to_image(klein_folder, memory="low")("a hall", 32, 32, 0)
    assert float((full - less).abs().mean()) < 0.5 * float(full.std())


def test_the_outpainter_paints_with_the_parts_that_are_loaded(klein_folder, monkeypatch):
    pytest.importorskip("diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint", reason="diffusers is older than 0.38")
    placed = []
    original = klein.place
    monkeypatch.setattr(klein, "place", lambda network, *more: placed.append(network) or original(network, *more))
    picture = text_to_image(klein_folder)("a hall", 32, 32, 0)
    hole = torch.zeros(32, 32, dtype=torch.bool)
    hole[:, 24:] = True
    KleinOutpainter("smooth", OUTPAINTER, klein_folder, "auto", "auto", 2, 256, 4.0)(picture, hole, "a hall", 0)
    assert [type(network).__name__ for network in placed].count("Flux2Transformer2DModel") == 1


def test_words_that_were_encoded_before_need_no_text_encoder(klein_folder, tmp_path, monkeypatch):
    before = text_to_image(klein_folder)("a loft", 32, 32, 0)
    resident.release()

    def refuse(self, policy):
        raise AssertionError("the text encoder was loaded")

    monkeypatch.setattr(klein.Klein, "_load_encoder", refuse)
    assert torch.equal(text_to_image(klein_folder)("a loft", 32, 32, 0), before)
    with pytest.raises(AssertionError, match="was loaded"):
        text_to_image(klein_folder)("a barn", 32, 32, 0)


def test_without_its_files_it_says_what_to_do(klein_folder, tmp_path):
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        text_to_image(klein_folder, path=None)("a hall", 32, 32, 0)
    with pytest.raises(UserError, match="lacks model_index"):
        text_to_image(tmp_path)("a hall", 32, 32, 0)


BROKEN = {
    "model_index.json": ('{"_class_name": "FluxFillPipeline"}', "holds a FluxFillPipeline"),
    "transformer/diffusion_pytorch_model.safetensors": ("", "cannot be read"),
    "text_encoder/config.json": ("{", "cannot be read"),
    "scheduler/scheduler_config.json": ("{", "cannot be read"),
}


@pytest.mark.parametrize("file", BROKEN)
def test_files_that_are_another_model_s_are_refused_in_one_sentence(klein_folder, tmp_path, file):
    folder = shutil.copytree(klein_folder, tmp_path / "broken")
    content, said = BROKEN[file]
    (folder / file).write_text(content)
    with pytest.raises(UserError, match=said) as refused:
        text_to_image(folder)("a hall", 32, 32, 0)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("knobs", [{"memory": "all"}, {"steps": 0}])
def test_a_senseless_knob_is_refused_by_name(knobs):
    with pytest.raises(ValueError, match=f"KleinTextToImage.{next(iter(knobs))}.*wanted"):
        text_to_image("x", **knobs)


@pytest.mark.parametrize("size", [(0, 32), (32, 40), (-16, 16)])
def test_a_size_that_has_no_tokens_is_refused(size):
    with pytest.raises(ValueError, match="multiples of 16"):
        text_to_image("x")("a hall", *size, 0)


def test_a_run_starts_from_words(klein_folder, tmp_path):
    words = ["prompt=a hall", "backends/text_to_image=flux2_klein", f"backends.text_to_image.path={klein_folder}"]
    words += ["stage=no-outpaint", "max_resolution=64", "stages.initialize.steps=1", "rerun.mode=off"]
    done = run([*words, f"out={tmp_path}", "export.videos=[]", "export.report=false"])
    expected = text_to_image(klein_folder, steps=4)("a hall", 64, 48, 0)
    assert torch.equal(done.scene.view("input").rgb, snap(expected))
