"""The report shows what the run left: the other results, what was observed, and the figures."""

from pathlib import Path

from vistadream.core import Note, Scene
from vistadream.exporters.gaussians import GaussianFiles
from vistadream.exporters.report import Report
from vistadream.exporters.video import Videos
from vistadream.observers.record import Record

DONE = {"seconds": 1.5, "peak_bytes": 2**20, "gaussians": 1536}
FACTS = {
    "command": "a-job",
    "overrides": ["seed=3", "image=a b.jpg"],
    "stages": {"load": DONE, "refine": DONE},
    "seconds": {"start": 1.0, "stages": 3.0, "delivery": 0.25},
    "backends": {"depth": {"name": "embedded", "why": "nothing else can run"}},
    **dict.fromkeys(("vistadream", "git_revision", "python", "platform", "versions"), "1.2.3"),
}


def test_results_observations_and_figures_are_on_the_page(scene: Scene, context, tmp_path: Path) -> None:
    record = Record()
    record("refine/news", Note("a note of the run"))
    given = context(scene, record=record, facts=lambda: FACTS, changed={"seed": (3, 0)}, title="the red room")
    (tmp_path / "export").mkdir()
    for exporter in (GaussianFiles(["ply"], 0.1, True), Videos(["rgb"], ["mp4"], 12, 30)):
        exporter(scene, tmp_path / "export", given)
    Report()(scene, tmp_path, given)
    page = (tmp_path / "report.html").read_text()
    shown = ["the red room", "a note of the run", "export/gaussians.ply", "export/scene.mp4", "a flight through it"]
    shown += ["vistadream a-job seed=3 &#x27;image=a b.jpg&#x27;", "nothing else can run", "input_psnr_db"]
    assert [text for text in shown if text not in page] == []
    assert "its depth" not in page, "a video that was not made"


def test_a_run_without_other_results_has_a_page_too(scene: Scene, context, tmp_path: Path) -> None:
    Report()(scene, tmp_path, context(scene, facts=lambda: FACTS))
    assert "<video" not in (tmp_path / "report.html").read_text()
