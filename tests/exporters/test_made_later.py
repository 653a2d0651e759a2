"""What can be made of a finished scene: each name is that of the file that its words ask for."""

from vistadream.config.exports import expand_exports, export_names
from vistadream.exporters.made_later import MADE_LATER

OF_THE_RUN = {"metrics", "report"}
OF_A_BACKEND = {"feat_vis"}
"""It asks a network of the run for more than the scene holds."""


def test_every_result_of_a_scene_is_there_and_is_asked_for_alone() -> None:
    asked = {expand_exports(words)[-1] for words in MADE_LATER.values()}
    assert asked == {f"export=[{name}]" for name in set(export_names()) - OF_THE_RUN - OF_A_BACKEND}
