"""Results are loaded from the service alone, as the key goes with each request."""

import pytest

from vistadream.core import UserError
from vistadream.service.remote.fetching import fetched


@pytest.mark.parametrize("url", ["http://elsewhere.example.org/x", "https://h/v1", "x", "file:///etc/passwd"])
def test_an_address_elsewhere_is_refused_before_the_first_step(url, tmp_path):
    with pytest.raises(UserError, match="wanted one of its own"):
        next(fetched({"name": "a.ply", "url": url, "bytes": 1, "sha256": ""}, tmp_path))
    assert list(tmp_path.iterdir()) == []
