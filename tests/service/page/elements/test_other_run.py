"""Folders of others in the list: damaged ones, half-written ones, and words in them that are HTML."""

import json
import shutil
from pathlib import Path

import pytest
from tests.service.conftest import Running

NAMES = ("whole", "damaged", "written", "prompted")
PROMPT = "<img src=x onerror=document.title='hacked'> a hall"


@pytest.fixture
def outputs(app: Running, done: str, tmp_path: Path) -> Path:
    """Runs of the command line: a whole one, a damaged one, one that is written right now, and one of odd words."""
    folder = tmp_path / "outputs"
    for k, name in enumerate(NAMES):
        run = folder / name / f"2026-01-0{k + 1}_10-00-00"
        shutil.copytree(app.data / "jobs" / done / "run", run, ignore=shutil.ignore_patterns("lock"))
    tell(folder / "written", status="running")
    tell(folder / "prompted", overrides=[f"prompt={PROMPT}"])
    (next((folder / "damaged").iterdir()) / "run.json").write_text('{"status": "fin')
    for late in ("results.json", "metrics.json", "report.html"):
        (next((folder / "written").iterdir()) / late).unlink(missing_ok=True)
    return folder


def tell(image: Path, **facts: object) -> None:
    file = next(image.iterdir()) / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))


def content_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_damaged_run_harms_no_other_and_one_that_is_written_is_shown(tab, start, outputs):
    before = content_of(outputs)
    page = tab(start("min_free_gb=0", "workers=0", "drain_s=0", f"gallery=[{outputs}]"))
    page.open("#/scenes")
    page.see(".scenes li:nth-child(4)")
    shown = {name: page.page.locator("vd-scene-card", has_text=name) for name in NAMES}
    states = {name: card.locator(".state").inner_text() for name, card in shown.items()}
    assert states == {"whole": "Done", "damaged": "Damaged", "written": "At work", "prompted": "Done"}
    for name, card in shown.items():
        card.get_by_role("link").first.click()
        page.see("vd-other-run h1")
        assert name in page.page.locator("h1").inner_text()
        assert ("says too little" in page.page.locator("main").inner_text()) == (name == "damaged")
        assert (PROMPT in page.page.locator("main").inner_text()) == (name == "prompted")
        page.page.go_back()
        page.see(".scenes li:nth-child(4)")
    assert page.ask("[document.querySelectorAll('img[src=x]').length, document.title === 'hacked']") == [0, False]
    assert content_of(outputs) == before
