"""What a smooth continuation says about a hole: much next to an even wall, little next to texture."""

import numpy as np

from vistadream.backends.outpaint.completion import GUIDE, evenness


def test_even_colors_are_continued_with_full_weight_and_texture_with_the_least() -> None:
    picture = np.full((40, 60, 3), 0.5, np.float32)
    picture[:, 30:] += 0.3 * (np.arange(30) // 2 % 2)[:, None]
    hole = np.zeros((40, 60), bool)
    hole[:8] = True
    weight = evenness(np.where(hole[..., None], 0, picture), hole)
    assert weight.shape == hole.shape
    np.testing.assert_allclose(weight[:, :15], 1)
    np.testing.assert_allclose(weight[:, 45:], GUIDE)


def test_a_picture_and_its_brighter_copy_are_as_even() -> None:
    picture = np.random.default_rng(0).random((30, 40, 3)).astype(np.float32) / 2
    hole = np.zeros((30, 40), bool)
    hole[:, :10] = True
    brighter = np.where(hole[..., None], 0, picture + 0.5).astype(np.float32)
    darker = np.where(hole[..., None], 0, picture).astype(np.float32)
    np.testing.assert_allclose(evenness(brighter, hole), evenness(darker, hole), atol=1e-3)
