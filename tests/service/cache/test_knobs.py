"""The knobs of the cache."""

import pytest

from vistadream.config.own_file import own_knobs
from vistadream.core import UserError
from vistadream.service.knobs import ServeKnobs
from vistadream.service.queue.worker import WorkerKnobs


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("cache.index=http://127.0.0.1", "wanted redis://HOST"),
        ("cache.index=redis://:secret@127.0.0.1", "a password in it"),
        ("cache.max_gb=-1", "cache.max_gb: got -1"),
        ("cache.max_bytes=1", "did you mean cache.max_gb?"),
    ],
)
def test_a_wrong_knob_is_one_sentence(word, said):
    with pytest.raises(UserError) as caught:
        own_knobs("serve", ServeKnobs, [word])
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_workers_get_the_place_of_the_cache():
    words = ["cache.max_gb=2.5", "cache.folder=/srv/a cache", "cache.index=redis://h:1/2", "cache.password_env=PW"]
    given = own_knobs("serve", ServeKnobs, words).cache.place
    worker = own_knobs("worker", WorkerKnobs, [f"{name}={value}" for name, value in given.items()])
    served = own_knobs("serve", ServeKnobs, words).cache
    assert vars(worker.cache) == {name: getattr(served, name) for name in vars(worker.cache)}
