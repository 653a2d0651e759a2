"""The pairs of photos that are compared."""

from vistadream.backends.poses.matching import pairs_of


def test_few_photos_are_all_compared_and_many_with_their_neighbors():
    assert len(pairs_of(40, 40, 10, 8)) == 40 * 39 // 2
    pairs = pairs_of(100, 40, 10, 8)
    assert all((i, j) in pairs for i in range(100) for j in range(i + 1, min(100, i + 11)))
    assert (0, 96) in pairs
    assert (1, 96) not in pairs
    assert len(pairs) == len(set(pairs)) < 1100
