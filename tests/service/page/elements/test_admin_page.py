"""The page for whoever runs the service for others, and what everybody else sees in its place."""

from collections.abc import Callable

import httpx
import pytest
from tests.service.conftest import Running, Start
from tests.service.page.conftest import Tab, with_keys

from vistadream.service.access.keys import DEFAULT_SCOPES, Keys


@pytest.fixture(scope="module")
def idle(start: Start) -> Running:
    """A service on whose jobs nobody works."""
    return start("min_free_gb=0", "workers=0", "drain_s=0", "quota.queued_jobs=3", "quota.disk_gb=2")


@pytest.fixture(scope="module")
def keys(idle: Running) -> Keys:
    return with_keys(idle)


@pytest.fixture
def signed_in(tab: Callable[..., Tab], idle: Running, keys: Keys) -> Callable[..., Tab]:
    """The page, for whom has a new key with these scopes."""

    def enter(owner: str, *scopes: str) -> Tab:
        page = tab(idle)
        page.expected += ("401 (Unauthorized)",)
        page.open()
        page.page.get_by_label("Key or token").fill(keys.add(owner, None, [*DEFAULT_SCOPES, *scopes]).text)
        page.press("Sign in")
        page.see("#photo", 60)
        return page

    return enter


def status(service: Running, key: str) -> int:
    return httpx.get(f"{service.client.base_url}/v1/jobs", headers={"X-API-Key": key}, trust_env=False).status_code


def test_a_key_is_made_shown_once_and_revoked(signed_in, idle):
    page = signed_in("boss", "admin")
    page.page.get_by_role("link", name="Service").click()
    page.page.get_by_label("Name of the new key").fill("<b>phone</b>")
    page.page.get_by_label("Owner (its name if empty)").fill("alice")
    page.press("Add a key")
    key = page.see("vd-copy-line code").inner_text()
    assert status(idle, key) == 200
    page.page.reload()
    row = page.see("vd-admin-page .files li:has-text('phone')")
    assert "<b>phone</b>" in row.inner_text()
    assert "alice · jobs:read, jobs:write" in row.inner_text()
    assert key not in page.page.content()
    page.page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Revoke").click()
    row.get_by_text("Revoked").wait_for()
    assert status(idle, key) == 401


def test_the_figures_are_those_of_all_owners_and_the_use_is_ones_own(signed_in, idle, keys):
    alice = keys.add("alice").text
    assert idle.submit(headers={"X-API-Key": alice}).status_code == 202
    page = signed_in("boss", "admin")
    page.open("#/admin")
    page.see("vd-admin-page .files li >> nth=0")
    figures = page.page.locator("vd-admin-page .files").first.inner_text()
    assert "In the queue: 1" in figures
    assert "0 alive" in figures
    assert "In the queue: 0 / 3 · Disk: 0 B / 2.0 GB" in page.see("vd-own-use:not(:empty)").inner_text()


def test_others_see_their_use_and_nothing_of_the_service(signed_in):
    page = signed_in("bob")
    page.see("vd-own-use:not(:empty)")
    assert page.page.get_by_role("link", name="Service").count() == 0
    page.open("#/admin")
    page.see("#photo", 60)
    assert page.page.locator("vd-admin-page").count() == 0


def test_a_single_user_sees_none_of_it(tab, start: Start):
    page = tab(start("min_free_gb=0", "workers=0", "drain_s=0"))
    page.open("#/admin")
    page.see("#photo", 60)
    found = page.page.locator("vd-admin-page, vd-own-use, header button, nav a[href='#/admin']")
    assert found.count() == 0
