"""The page holds what the figures say, escaped, and asks nothing of a network."""

import re

import numpy as np

from vistadream.batch.index import opened
from vistadream.batch.report.figures import figures
from vistadream.batch.report.page import page


def shown(batch, thumbnail=lambda name: None, price: float | None = None) -> str:
    with opened(batch.folder) as index:
        found = figures(index, price)
    counts = {"items": 9, "published": found["published"], "given_up": 1, "under_way": 0, "left": 3}
    about = {"title": "my <scenes>", "vistadream": "1", "written": "today", "batch": {"images": "<photos>"}}
    return page({**about, "counts": counts, **found}, thumbnail)


def test_the_page_loads_nothing_and_escapes_names(made_batch):
    made_batch.publish(1, names=["<script>alert(1)</script>.jpg"])
    made_batch.give_up(2, "<b>odd</b>; wanted another", "<i>.jpg")
    made = shown(made_batch)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', made)
    for raw in ("<script>alert", "<b>odd", "<i>.jpg", "my <scenes>", "<photos>"):
        assert raw not in made
    assert "&lt;b&gt;odd" in made


def test_an_empty_batch_has_a_page(made_batch):
    assert "No work was done twice." in shown(made_batch)


def test_pictures_of_given_up_items_and_of_the_worst_are_there(made_batch):
    made_batch.publish(1)
    made_batch.give_up(2, "odd; wanted another", "photos/bad.jpg")
    asked = []

    def thumbnail(name: str):
        asked.append(name)
        return np.zeros((4, 4, 3), np.uint8)

    made = shown(made_batch, thumbnail)
    assert {"photos/bad.jpg", "photos/1.jpg"} <= set(asked)
    assert made.count("data:image/") >= 2
    assert f'href="items/{made_batch.id(1)[:2]}/{made_batch.id(1)}/"' in made


def test_the_cost_is_there_where_a_price_is(made_batch):
    made_batch.attempt(made_batch.publish(1), 0.0, 3600.0, "done")
    assert "<b>2.50</b>cost" in shown(made_batch, price=2.5)
    assert "cost</div>" not in shown(made_batch)
