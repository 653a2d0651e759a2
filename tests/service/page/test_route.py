"""Addresses: the back button at every step, and a service on another machine, at another port, below a path."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.project.namespaces import RELAY, alone, skip_without_namespaces
from tests.service.conftest import PROXIES
from tests.service.page.conftest import DRAWING, NEW_SCENE, Tab, tabs

from vistadream.service.site.files import LIB
from vistadream.service.site.viewer import is_complete

PORT, FORWARDED, PREFIX = 7860, 9123, "/far/away"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[str]:
    """The key of `vistadream app` on a machine of its own, whose variables name proxies that are not there.

    It is reached through the socket `wire` alone.
    """
    skip_without_namespaces()
    words = f"data={tmp_path / 'data'} port={PORT} gallery=[] browser=never min_free_gb=0 workers=1 drain_s=0"
    app = f"exec {sys.executable} -m vistadream app {words}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            alone(f"{RELAY} {tmp_path / 'wire'} {PORT} & {app}"),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **PROXIES, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
    yield [process.stdout.readline() for _ in range(3)][1].strip().partition("?key=")[2]
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)
    process.stdout.close()


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """A key and a certificate of the laptop for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    about = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    about = about.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    file = tmp_path / "own.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(secret + about.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return file


@pytest.fixture
def laptop(box: str, pem: Path, launch: Callable, browser_program: str, tmp_path: Path) -> Iterator[Callable[..., Tab]]:
    """Pages of a browser on another machine, where the box is at another port, below a path, by https."""
    far = tmp_path / "chromium"
    relay = f"{RELAY} {FORWARDED} {tmp_path / 'wire'} {PREFIX} {pem} <&- 3<&- 4>&- & relay=$!"
    inside = f'ip link set lo up; {relay}; "$0" "$@"; status=$?; kill $relay; exit $status'
    far.write_text(f"#!/bin/sh\nexec unshare --map-root-user --net sh -c '{inside}' {browser_program} \"$@\"\n")
    far.chmod(0o700)
    browser = launch(*DRAWING, "--ignore-certificate-errors", program=far)
    yield from tabs(browser, f"https://127.0.0.1:{FORWARDED}{PREFIX}/")
    browser.close()


def test_all_is_done_from_another_machine_by_another_port_below_a_path(laptop, box, tmp_path):
    page = laptop()
    page.open(f"?key={box}")
    page.see("#photo")
    assert "key" not in page.page.url
    page.open(NEW_SCENE)
    page.choose()
    page.press("Make the scene")
    page.see(".state.done")
    if is_complete(LIB):
        page.see(".tools button")
    for name in ("Compare", "Change", "Pictures", "Notes", "Files"):
        page.page.get_by_role("link", name=name, exact=True).click()
    with page.page.expect_download() as download:
        page.page.get_by_role("link", name="Download gaussians.ply", exact=True).click()
    ply = tmp_path / "data" / "jobs" / page.job_id / "run" / "export" / "gaussians.ply"
    assert Path(download.value.path()).read_bytes() == ply.read_bytes()
    page.page.get_by_role("link", name="Scenes", exact=True).click()
    page.until("document.querySelector('vd-scene-card img')?.naturalWidth > 0")
    assert {url.partition("?")[0].startswith(page.address) for url in page.requests if url.startswith("http")} == {True}


def test_back_and_forward_at_every_step(drawing_tab, done):
    tab = drawing_tab()
    seen: dict[str, tuple[str, str]] = {}

    def arrive(step: str, selector: str, within: str = "") -> None:
        """Notes the address and what is there. A step that only changes its address keeps its place in the history."""
        tab.see(selector)
        assert within in tab.page.url
        seen[step] = (tab.page.url, selector)

    def follow(name: str) -> None:
        tab.page.get_by_role("link", name=name, exact=True).click()

    tab.open(NEW_SCENE)
    arrive("photo", ".sample")
    tab.see(".sample").click()
    arrive("choices", ".new figure img[alt='sample.webp']", "step=choose")
    tab.press("Make the scene")
    tab.see(".state.done")
    arrive("scene", "vd-scene-view .tools button")
    made = tab.job_id
    follow("Compare")
    arrive("compare", "vd-compare-slider", "/compare")
    follow("Change")
    arrive("change", "vd-change-view .cards", "/change")
    follow("Scene")
    tab.see("vd-scene-view .tools button")
    tab.press("Fill from here")
    arrive("fill", "vd-fill-panel li", "fill=")
    follow("Scenes")
    arrive("all scenes", f"vd-scene-card[data-id='{done}']", "#/scenes")
    tab.see(f"vd-scene-card[data-id='{done}'] a").click()
    arrive("another", "vd-scene-view .tools button", done)
    assert made != done
    steps = list(seen.values())
    for way, expected in (("back", steps[-2::-1]), ("forward", steps[1:])):
        for url, selector in expected:
            tab.ask(f"history.{way}()")
            tab.until(f"location.href === {json.dumps(url)}")
            tab.see(selector)
            if "/scene/" in url:
                assert tab.ask("location.href.includes(document.querySelector('vd-run-page').run.id)")
    tab.page.reload()
    tab.see("vd-scene-view .tools button")
