"""The key of knobs: it changes with everything that changes a byte of a result, and with nothing else."""

from pathlib import Path

import pytest

from vistadream.batch.recipes import Recipes, recipe_of
from vistadream.core import UserError


def key(*words: str) -> str:
    return recipe_of(words).key


def test_what_the_key_depends_on(tmp_path: Path) -> None:
    assert key() == key("seed=0") == key("checkpoint_seconds=1", "rerun.mode=off", "backends.render.threads=3")
    assert len({key(), key("seed=1"), key("stage=coarse"), key("export=[gaussians]")}) == 4
    depth = tmp_path / "depth.png"
    given = ("backends/depth=given", f"backends.depth.path={depth}")
    depth.write_bytes(b"one")
    before = key(*given)
    moved = depth.rename(tmp_path / "moved.png")
    assert key(given[0], f"backends.depth.path={moved}") == before, "the file counts by what it holds"
    moved.write_bytes(b"two")
    assert key(given[0], f"backends.depth.path={moved}") != before


def test_auto_is_replaced_by_what_it_means_here() -> None:
    words = recipe_of(["backends/depth=auto", "seed=2"]).words
    assert "backends/depth=embedded" in words
    assert "seed=2" in words
    assert not any(word.endswith("=auto") for word in words)
    assert recipe_of(words).words == words


def test_a_sweep_is_every_combination() -> None:
    recipes = Recipes(["stage=coarse,fine", "seed=0,1"])
    assert len(recipes.common) == len({recipe.key for recipe in recipes.common}) == 4


def test_knobs_of_one_picture_count_before_those_of_all() -> None:
    recipes = Recipes(["seed=1", "stage=coarse"])
    own = recipes.of({"seed": 5})
    assert own == recipes.of({"seed": 5})
    assert own[0].key == key("seed=5", "stage=coarse")
    assert recipes.of({}) == recipes.common


@pytest.mark.parametrize(
    ("words", "knobs", "said"),
    [
        (["image=a.png"], {}, "wanted images="),
        (["prompt=a room"], {}, "single-img"),
        (["resume=x"], {}, "the same command again"),
        (["input=x"], {}, "multi-img"),
        (["sead=1"], {}, "did you mean seed"),
        (["stage=best"], {}, "wanted one of"),
        ([], {"out": "/etc"}, "cannot be set from outside"),
        ([], {"device": "cuda"}, "cannot be set from outside"),
        ([], {"seed": "${oc.env:HOME}"}, "wanted plain text"),
        ([], {"backends.depth._target_": "os.system"}, "cannot be set from outside"),
    ],
)
def test_bad_knobs(words: list[str], knobs: dict, said: str) -> None:
    with pytest.raises(UserError, match=r"\w") as caught:
        Recipes(words).of(knobs)
    assert said in str(caught.value)
