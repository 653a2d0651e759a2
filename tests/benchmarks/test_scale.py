"""The figures of docs/scale.md are those of its script, and its formulas hold where an exact answer is known."""

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import scale
from scale_figures import GB, TB


def test_the_page_has_the_tables_that_the_script_computes():
    page = scale.PAGE.read_text(encoding="utf-8")
    assert scale.filled(page) == page
    assert all(f"<!-- table: {name} -->" in page for name in scale.TABLES)


def test_filling_a_page_touches_nothing_between_the_tables():
    page = "before\n<!-- table: ids -->\n<!-- end -->\nbetween\n<!-- table: gpu -->\nold\n<!-- end -->\nafter\n"
    made = scale.filled(page)
    assert [words for words in ("before", "between", "after", "old") if words in made] == ["before", "between", "after"]
    assert scale.markdown(scale.ids()) in made


@pytest.mark.parametrize("between_s", [600.0, 86_400.0, 3e7])
def test_no_other_interval_loses_less_than_that_of_young(between_s):
    best = scale.young(0.4, between_s)
    least = scale.lost(best, 0.4, between_s)
    assert all(scale.lost(best * factor, 0.4, between_s) > least for factor in (0.5, 0.9, 1.1, 2))


def test_the_chance_of_equal_ids_is_that_of_the_birthday_problem():
    exact = 1 - math.prod(1 - taken / 2**16 for taken in range(300))
    assert scale.collision(300, 16) == pytest.approx(exact, rel=0.01)


def test_each_part_of_a_size_has_the_price_of_its_tier():
    assert scale.storage_price(GB) == pytest.approx(scale.price("S3 below 50 TB"))
    upper = 50_000 * scale.price("S3 below 50 TB") + 10_000 * scale.price("S3 to 500 TB")
    assert scale.storage_price(60 * TB) == pytest.approx(upper)


@pytest.mark.parametrize(
    ("value", "words"), [(0.386, "0.386"), (26_861, "26,900"), (2.69e6, "2.69 million"), (6e9, "6 billion"), (9, "9")]
)
def test_numbers_are_words_of_three_digits(value, words):
    assert scale.number(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(45, "45 s"), (180, "3 min"), (3 * 3600, "3 h"), (3 * 86_400, "3 days"), (5e8, "15.9 years")]
)
def test_times_have_a_unit_that_suits_them(seconds, words):
    assert scale.time(seconds) == words
