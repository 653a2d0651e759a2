"""The figures of a batch are those that follow by hand from what its workers left."""

import json

import pytest

from vistadream.batch.index import opened
from vistadream.batch.report.figures import figures
from vistadream.batch.report.quality import WORST


def of(batch, price: float | None = None) -> dict:
    with opened(batch.folder) as index:
        found = figures(index, price)
    return json.loads(json.dumps(found, allow_nan=False))


def test_an_empty_batch_has_figures_too(made_batch):
    found = of(made_batch, 1.0)
    assert found["published"] == 0
    assert found["speed"]["images_an_hour"] is None
    assert found["cost"]["each"] is None


def test_speed_busy_time_and_cost(made_batch):
    for n in range(6):
        id = made_batch.publish(n, ended=10.0 * (n + 1))
        made_batch.attempt(id, 10.0 * n, 10.0 * (n + 1), "done", worker=f"cpu{n % 2}-a")
    found = of(made_batch, price=3.6)
    assert found["speed"]["working_s"] == 60
    assert found["speed"]["images_an_hour"] == pytest.approx(360)
    assert found["busy_s"] == 60
    assert found["cost"] == {"price_per_hour": 3.6, "whole": pytest.approx(0.06), "each": pytest.approx(0.01)}
    assert [(each["name"], each["done"]) for each in found["workers"]] == [("cpu0", 3), ("cpu1", 3)]
    assert [(each["name"], each["done"]) for each in found["devices"]] == [("cpu", 6)]
    assert [each["busy_share"] for each in (*found["workers"], *found["devices"])] == [0.5, 0.5, 1]


def test_the_curve_over_time_holds_every_image(made_batch):
    for n in range(40):
        made_batch.publish(n, ended=30.0 * n)
    curve = of(made_batch)["speed"]["over_time"]
    width_h = 39 * 30 / 3600 / len(curve)
    assert sum(rate * width_h for _, rate in curve) == pytest.approx(40, abs=0.01)


def test_clocks_that_differ_by_ten_minutes_make_no_time_negative(made_batch):
    id = made_batch.publish(1, ended=1021.0)
    made_batch.attempt(id, 1600.0, 1010.0, "killed", signal=9)  # its worker's clock is ahead of the driver's
    made_batch.attempt(id, 1011.0, 1021.0, "done", number=2)
    found = of(made_batch, price=3.6)
    assert (found["busy_s"], found["repeated"]["seconds"], found["speed"]["working_s"]) == (10, 0, 10)
    assert found["cost"]["whole"] == pytest.approx(0.01)


def test_processes_of_one_place_are_one_row(made_batch):
    for n, end in enumerate("abc"):
        made_batch.attempt("x", n, n + 1.0, "killed", number=n + 1, worker=f"cpu0-{end}", signal=9)
    (row,) = of(made_batch)["workers"]
    assert (row["name"], row["processes"], row["attempts"], row["done"]) == ("cpu0", 3, 3, 0)


def test_stages_and_overhead_are_sums_and_quantiles(made_batch):
    for n in range(3):
        made_batch.publish(n)
    found = of(made_batch)
    assert found["stages"]["refine"] == {"p05": 7, "p50": 7, "p95": 7, "sum": 21}
    assert found["overhead"]["share"] == pytest.approx(0.3)


def test_first_items_of_processes_cost_what_they_take_beyond_the_others(made_batch):
    for number, (began, ended, worker) in enumerate([(0, 9, "a"), (9, 11, "a"), (11, 13, "a"), (0, 7, "b")]):
        made_batch.attempt(str(number), began, ended, "done", worker=f"cpu0-{worker}")
    assert of(made_batch)["overhead"]["first items of processes"] == (9 - 2) + (7 - 2)


def test_the_worst_are_named_worst_first_and_every_value_is_in_the_histogram(made_batch):
    for n in range(30):
        made_batch.publish(n)
    quality = of(made_batch)["quality"]
    psnr, hole = quality["input_psnr_db"], quality["path_hole_ratio.largest"]
    assert sum(psnr["counts"]) == 30
    assert [each["value"] for each in psnr["worst"]] == [30.0 + n for n in range(WORST)]
    assert hole["worst"][0]["value"] == pytest.approx(0.29)


def test_a_figure_that_no_item_has_is_left_out_and_odd_values_do_no_harm(made_batch):
    made_batch.publish(1, figures={"input_psnr_db": float("inf"), "input_ssim": "none", "gaussians": 3})
    made_batch.publish(2, figures=None, bytes=None, stages=None)
    found = of(made_batch)
    assert set(found["quality"]) == {"gaussians"}
    assert found["bytes"] == {"published": 100, "mean": 100}


def test_attempts_at_items_without_a_result_and_those_under_way_repeat_nothing(made_batch):
    id = made_batch.publish(1)
    made_batch.attempt("other", 0.0, 9.0, "broken")
    made_batch.add("cpu0-a", event="began", at_s=1.0, id=id, attempt=1)
    assert of(made_batch)["repeated"]["causes"] == []


def test_given_up_items_are_grouped_and_their_time_is_said(made_batch):
    id = made_batch.give_up(1, "no; wanted another")
    made_batch.attempt(id, 0.0, 4.0, "failed")
    found = of(made_batch)
    assert (found["given_up"][0]["count"], found["given_up_s"]) == (1, 4)
