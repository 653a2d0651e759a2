"""The names of the folders of a batch."""

from hypothesis import given
from hypothesis import strategies as st

from vistadream.service.batches.intake import folders_of


@given(st.lists(st.sampled_from(["a.jpg", "A.png", "a-2.jpg", "b.tar.gz", "B", "a-2-2.x"]), max_size=12))
def test_folders_are_unique_without_regard_to_case_and_begin_with_the_name(names):
    folders = folders_of(names)
    assert len({folder.lower() for folder in folders}) == len(names)
    assert all(folder.startswith(name.rpartition(".")[0] or name) for folder, name in zip(folders, names, strict=True))
