"""Words of earlier versions mean what they meant."""

import pytest

from vistadream.config import compose, today

WORDS = [
    ("stages.load.multiple=16", "source.multiple=16"),
    ("stages.load.focal_px=300", "camera.focal_px=300"),
    ("stages.load.image=a.png", "image=a.png"),
    ("export.formats=[splat]", "export.gaussians.formats=[splat]"),
    ("export.smoothing_px2=0.2", "export.gaussians.smoothing_px2=0.2"),
    ("export.videos=[depth]", "export.video.pictures=[depth]"),
    ("export.video_formats=[gif]", "export.video.formats=[gif]"),
    ("export.video_fps=12", "export.video.fps=12"),
    ("export.video_crf=20", "export.video.crf=20"),
    ("export.video_frames=5", "flight.frames=5"),
    ("export.video_trajectory=swing", "flight.trajectory=swing"),
    ("stages.refine.rates.means=0.5", "stages.refine.fitting.rates.means=0.5"),
    ("stages.coarse.dssim=0.5", "stages.coarse.fitting.dssim=0.5"),
    ("stages.initialize.generated_weight=0.1", "stages.initialize.fitting.generated_weight=0.1"),
    ("stages.refine.close_ups=0.01", "stages.refine.fitting.zoomed_share=0.01"),
    ("stages.initialize.sigma_px=0.7", "stages.initialize.lifting.sigma_px=0.7"),
    ("stages.coarse.n_candidates=3", "stages.coarse.candidates.count=3"),
    ("stages.coarse.margin_px=4", "stages.coarse.candidates.margin_px=4"),
    ("stages.coarse.margin_px=4", "stages.coarse.candidates.margin_px=4"),
    ("stages.coarse.thickness=0.7", "stages.coarse.lifting.thickness=0.7"),
]


@pytest.mark.parametrize(("earlier", "present"), WORDS)
def test_every_earlier_word_sets_what_it_set(earlier: str, present: str) -> None:
    assert today(earlier) == today(present) == present
    knob = present.partition("=")[0]
    assert compose([earlier]).plain(knob) == compose([present]).plain(knob) != compose([]).plain(knob)


@pytest.mark.parametrize(
    ("word", "present"),
    [
        ("+stages.load.focal_px=300", "+camera.focal_px=300"),
        ("stages.load.image=stages.coarse.dssim=b.png", "image=stages.coarse.dssim=b.png"),
        ("stages.load=null", "stages.load=null"),
        ("stages.load.source.multiple=8", "stages.load.source.multiple=8"),
        ("stages.refine.ratess=1", "stages.refine.ratess=1"),
        ("prompt=stages.load.multiple", "prompt=stages.load.multiple"),
    ],
)
def test_only_the_name_changes_and_only_where_it_is_one(word: str, present: str) -> None:
    assert today(word) == present
