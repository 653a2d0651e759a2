"""What identifies a result before it is run: all that decides it, and nothing else."""

import pytest

from vistadream.app import job_from_words
from vistadream.assets import sample_image
from vistadream.runs.chain import chain
from vistadream.service.intake.result_keys import keys_of

WORDS = ("stage=no-outpaint", "recipe=quick", "export=[gaussians]", "seed=3")
DIGEST = "ab" * 32


def keys(*words: str, digest: str = DIGEST) -> tuple[str, str]:
    return keys_of((*WORDS, *words), "single_img", digest)


def test_the_first_key_is_the_one_by_which_a_run_of_the_picture_knows_its_last_stage(tmp_path):
    picture = tmp_path / "another name.png"
    picture.write_bytes(sample_image().read_bytes() + b"\n")
    job = job_from_words([*WORDS, f"image='{picture}'"])
    (digest,) = job.fingerprints["load"]["stage"]["knobs"]["source"]["inputs"]
    assert keys(digest=digest)[0] == list(chain(job.fingerprints).values())[-1]


@pytest.mark.parametrize("word", ["max_resolution=64", "stages.initialize.steps=7"])
def test_a_knob_of_a_stage_changes_both_keys(word):
    assert not {*keys(word)} & {*keys()}


def test_another_picture_changes_both_keys():
    assert not {*keys(digest="cd" * 32)} & {*keys()}


@pytest.mark.parametrize(
    "word", ["export=[gaussians,npz]", "export.gaussians.smoothing_px2=0.2", "flight.frames=7", "trajectory=orbit"]
)
def test_what_changes_the_results_alone_changes_the_second_key_alone(word):
    assert keys(word)[0] == keys()[0]
    assert keys(word)[1] != keys()[1]


@pytest.mark.parametrize("word", ["stages.refine.steps=7", "expansion=0.5"])
def test_what_nothing_reads_changes_neither(word):
    assert keys(word) == keys()


def test_words_that_cannot_be_run_have_no_key():
    assert keys("backends/depth=given") is None
    assert keys_of(["sed=3"], "single_img", DIGEST) is None
