"""A run that is changed, and one that has failed."""

import json

import pytest
from tests.service.conftest import Running, Start

from vistadream.service.queue.claims import database_url
from vistadream.service.queue.store import Store


@pytest.fixture
def job(app: Running) -> str:
    """The id of a job that is done, which a test may change."""
    return app.wait_for(app.submit().json()["id"], "done")["id"]


def test_what_a_scene_was_stays_until_the_changed_one_is_whole(tab, app, job):
    first = app.client.get(f"/v1/jobs/{job}/results/gaussians.ply").content
    body = {"knobs": {"max_resolution": 128, "stages.initialize.steps": 5000}}
    assert app.client.post(f"/v1/jobs/{job}/resume", json=body).status_code == 202
    app.wait_for(job, "running")
    page = tab()
    page.open(f"#/scene/{job}")
    page.page.get_by_role("link", name="show it").click()
    page.see("vd-other-run .files li")
    page.until("document.querySelector('vd-other-run img')?.naturalWidth > 0")
    saved = page.page.get_by_role("link", name="Download gaussians.ply", exact=True).get_attribute("href")
    assert app.client.get(saved).content == first
    assert app.client.get(f"/v1/jobs/{job}").json()["state"] == "running"
    app.client.post(f"/v1/jobs/{job}/cancel")
    app.wait_for(job, "cancelled")
    assert app.client.get(saved).content == first
    page.open(f"#/scene/{job}")
    page.page.get_by_role("link", name="show it").wait_for()
    app.client.post(f"/v1/jobs/{job}/resume", json={"knobs": {"max_resolution": 32, "stages.initialize.steps": 2}})
    page.see(".state.done")
    page.until("document.querySelector('vd-run-page').earlier.hidden")
    assert not app.client.get(f"/v1/gallery/{job}").json()["before"]


def test_what_an_error_names_is_offered(tab, start: Start):
    install = "pip install --no-deps dlr-moge==2.0.0 dlr-utils3d==1.3"
    error = f"backends/depth=moge cannot run here: it lacks the package moge ({install})"
    idle = start("min_free_gb=0", "workers=0", "drain_s=0")
    job, store = idle.submit().json()["id"], Store(database_url(idle.data))
    store.finish(job, store.begin(job, "a test").attempt, "failed", error)
    page = tab(idle)
    page.open(f"#/scene/{job}")
    assert error in page.see("vd-run-page .bad").inner_text()
    assert page.see("vd-run-page [role='alert'] vd-copy-line code").inner_text() == install
    page.page.get_by_role("link", name="Change backends/depth", exact=True).click()
    page.until("document.activeElement.id === 'knob-backends/depth'")


def test_only_what_a_sentence_names_is_offered(tab, app):
    page = tab()
    page.open()
    page.see("#photo")
    offers = """import("/page/offers.js").then(async ({ offersOf }) =>
        (await offersOf("x", SENTENCE)).map((each) => each.textContent.replace(/Copy$/, "")))"""
    download, install = "vistadream download sharp --accept-noncommercial", "pip install 'vistadream[models]'"
    cases = {
        "the seed is odd, and so is this export": [],
        "seed=-1 is odd; wanted 0 or more": ["Change seed"],
        "max_resolution is too large": ["Change max_resolution"],
        f"wanted `{download}`, or a copy": [download],
        f"wanted them: {install}, then again": [install],
    }
    for sentence, expected in cases.items():
        assert page.ask(offers.replace("SENTENCE", json.dumps(sentence))) == expected, sentence
