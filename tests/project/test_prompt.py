"""A run from words: chosen, refused and resumed."""

import json

import pytest
import torch
from PIL import Image

from vistadream.app import run
from vistadream.backends import auto
from vistadream.backends.machine import Machine
from vistadream.backends.packages import INSTALL
from vistadream.commands.main import main
from vistadream.config import compose, expand, quote_paths
from vistadream.core import UserError
from vistadream.sources.image import ImageFile
from vistadream.sources.prompt import Prompt

HERE = Machine(True, frozenset(INSTALL), True, frozenset({"flux2-klein-4b", "blip-base"}))


@pytest.fixture
def machine(monkeypatch):
    """Makes the configuration believe in a machine."""
    return lambda facts: monkeypatch.setattr(auto, "this_machine", lambda: facts)


def test_words_take_the_place_of_a_picture_and_prompt_the_outpainter(machine):
    machine(HERE)
    composed = compose(quote_paths(['prompt=a sunlit library, "old", {dusty} $5']))
    source = composed.build("stages.load").source
    assert isinstance(source, Prompt)
    assert source.prompt == 'a sunlit library, "old", {dusty} $5'
    assert {role: composed.choices[role].name for role in ("text_to_image", "outpaint", "caption")} == {
        "text_to_image": "flux2_klein",
        "outpaint": "flux2_klein",
        "caption": "fixed",
    }
    assert composed.build("backends.caption")(torch.zeros(4, 4, 3)) == source.prompt
    said = compose(["prompt=a library", "backends.caption.text=shelves"])
    assert said.build("backends.caption")(torch.zeros(4, 4, 3)) == "shelves"
    assert isinstance(compose(["prompt=null", "image=x.png"]).build("source"), ImageFile)


def test_several_prompts_are_several_runs_and_a_comma_is_part_of_one(machine):
    machine(HERE)
    runs = list(expand(quote_paths(["prompt=a hall, lit", "seed=0,1"], many=True)))
    assert [compose(words).plain("prompt") for words in runs] == ["a hall, lit"] * 2
    two = list(expand(quote_paths(["prompt='a hall, lit','a barn'"], many=True)))
    assert [compose(words).plain("prompt") for words in two] == ["a hall, lit", "a barn"]


@pytest.mark.parametrize(
    ("facts", "words", "says"),
    [
        (Machine(), [], "vistadream download flux2-klein-4b"),
        (Machine(True, frozenset(INSTALL)), [], "its weights, 16 GB (vistadream download flux2-klein-4b)"),
        (Machine(weights=HERE.weights), [], "the package diffusers (pip install 'vistadream[models]')"),
        (
            Machine(weights=HERE.weights),
            ["backends/text_to_image=flux2_klein"],
            "backends/text_to_image=flux2_klein cannot run",
        ),
        (HERE, ["image=x.png"], "are both given"),
        (HERE, ["prompt="], "wanted some words"),
        (HERE, ["source.aspect=9"], "wanted 0.25 to 4"),
        (HERE, ["stages.load.aspect=9"], "wanted 0.25 to 4"),
        (HERE, ["source=image"], "does not fit the other words; wanted source=prompt"),
    ],
)
def test_a_run_from_words_that_cannot_be_ends_with_2_and_one_sentence(machine, facts, words, says, tmp_path, capsys):
    machine(facts)
    command = ["single-img", "prompt=a sunlit library", *words, f"out={tmp_path / 'out'}", "rerun.mode=off"]
    assert main(command) == 2
    told = capsys.readouterr().err
    assert says in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


SMALL = ["stage=no-outpaint", "max_resolution=64", "stages.initialize.steps=1", "rerun.mode=off", "export.videos=[]"]


def test_the_picture_is_kept_and_a_resumed_run_makes_it_anew_only_for_other_words(machine, tmp_path, monkeypatch):
    made = []

    def make(self, prompt, width, height, seed):
        made.append((prompt, seed))
        return torch.full((height, width, 3), 0.2) + 0.1 * torch.rand(
            height, width, 3, generator=torch.Generator().manual_seed(seed + len(prompt))
        )

    monkeypatch.setattr("vistadream.backends.text_to_image.flux2_klein.KleinTextToImage.__call__", make)
    machine(Machine(packages=HERE.packages, weights=HERE.weights))
    prompt = "a/b " * 100 + "library"
    words = [f"prompt={prompt}", "export.report=false", f"out={tmp_path}"]
    first = run([*SMALL, *words])
    picture = first.folder / "01_load" / "views" / "input.rgb.png"
    assert Image.open(picture).size == (64, 48)
    assert first.folder.parent.name == ("a_b_" * 100)[:39]
    assert json.loads((first.folder / "run.json").read_text())["backends"]["text_to_image"]["name"] == "flux2_klein"
    before = picture.read_bytes()
    run([f"resume={first.folder}", "stages.initialize.steps=2"])
    assert made == [(prompt, 0)]
    assert picture.read_bytes() == before
    run([f"resume={first.folder}", "seed=4"])
    assert made[1:] == [(prompt, 4)]
    assert picture.read_bytes() != before
    with pytest.raises(UserError, match="are both given"):
        run([f"resume={first.folder}", "image=x.png"])
