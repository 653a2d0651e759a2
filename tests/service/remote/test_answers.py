"""The header with a key: one that cannot be is one sentence, which does not repeat it."""

import pytest

from vistadream.core import UserError
from vistadream.service.remote.answers import key_header


def test_a_given_key_comes_before_that_of_the_environment(monkeypatch):
    monkeypatch.delenv("VISTADREAM_API_KEY", raising=False)
    assert key_header(None) == {}
    monkeypatch.setenv("VISTADREAM_API_KEY", "vd_a_b")
    assert key_header(None) == {"Authorization": "Bearer vd_a_b"}
    assert key_header("vd_c_d") == {"Authorization": "Bearer vd_c_d"}


@pytest.mark.parametrize("key", ["vd_a\nX-Other: 1", "vd_\u00e9", "vd_a\tb"])
def test_what_is_no_key_is_not_sent_and_not_repeated(key):
    with pytest.raises(UserError) as error:
        key_header(key)
    assert key not in str(error.value)
