"""API keys in a database: only the right text is known, and the database does not have it."""

import base64
import hashlib
import time

import pytest
from sqlalchemy import text, update

from vistadream.core import UserError
from vistadream.service.access.key_table import table
from vistadream.service.access.keys import Keys


@pytest.fixture
def keys(store):
    return Keys(store.database)


def test_a_key_has_256_bits_and_the_database_has_their_digest_alone(keys, store):
    made = [keys.add("a").text for _ in range(20)]
    secrets = [each.split("_", 2)[2] for each in made]
    assert {len(base64.urlsafe_b64decode(f"{secret}=")) for secret in secrets} == {32}
    assert len(set(secrets)) == 20
    with store.database.reading() as connection:
        rows = [str(row) for row in connection.execute(text("select * from api_keys"))]
    assert not [secret for secret in secrets if any(secret in row for row in rows)]
    assert all(any(hashlib.sha256(secret.encode()).hexdigest() in row for row in rows) for secret in secrets)


def test_only_the_whole_text_is_known(keys):
    first, second = keys.add("a", "alice"), keys.add("b")
    assert keys.known(first.text) == first.row
    assert first.row.owner == "alice"
    assert second.row.owner == "b"
    _, id, secret = first.text.split("_", 2)
    other = second.text.split("_", 2)[2]
    texts = (
        *(f"vd_{id}_{other}", f"vd_{second.row.id}_{secret}", f"vd_{'0' * 12}_{secret}", f"vd_{id}_{secret}x"),
        *(f"vd_{id}_{secret[:-1]}", f"VD_{id}_{secret}", f"{first.text}\n", f" {first.text}", f"vd_{id}_", "vd_", ""),
        *(f"vd_{id}_{'é' * 43}", f"vd_{id}' or 1=1 --_{secret}", f"vd_{id}_{secret.swapcase()}"),
    )
    for wrong in texts:
        assert keys.known(wrong) is None, wrong


def test_a_key_that_ended_is_known_and_says_so(keys, store):
    short, gone = keys.add("a", expires_days=1), keys.add("b")
    assert (short.row.state, gone.row.state) == ("valid", "valid")
    with store.database.writing() as connection:
        connection.execute(update(table).where(table.c.id == short.row.id).values(expires_s=time.time() - 1))
    assert keys.revoke(gone.row.id)
    assert not keys.revoke(gone.row.id)
    assert not keys.revoke("nothing")
    assert [keys.known(each.text).state for each in (short, gone)] == ["expired", "revoked"]
    assert [row.state for row in keys.listed()] == ["expired", "revoked"]


def test_the_end_of_the_last_key_opens_nothing_but_its_revocation_does(keys):
    assert not keys.are_there()
    id = keys.add("a", expires_days=1e-9).row.id
    assert keys.get(id).state == "expired"
    assert keys.are_there()
    keys.revoke(id)
    assert not keys.are_there()


def test_the_last_use_is_written_at_most_once_a_minute(keys, store):
    made = keys.add("a")
    assert keys.get(made.row.id).used_s is None
    keys.note_use(keys.known(made.text))
    used = keys.get(made.row.id).used_s
    assert time.time() - used < 60
    keys.note_use(made.row)
    assert keys.get(made.row.id).used_s == used, "of two at the same moment the first is kept"
    with store.database.writing() as connection:
        connection.execute(update(table).values(used_s=used - 61))
    keys.note_use(keys.known(made.text))
    assert keys.get(made.row.id).used_s >= used


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"name": ""}, "name: got ''; wanted 1 to 100 letters"),
        ({"name": "a\nb"}, "name: got 'a\\nb'"),
        ({"name": "a" * 101}, "wanted 1 to 100 letters"),
        ({"name": "a", "owner": " "}, "owner: got ' '"),
        ({"name": "a", "scopes": []}, "scopes: got '[]'; wanted some of jobs:read, jobs:write, metrics, admin"),
        ({"name": "a", "scopes": ["jobs:read", "root"]}, "scopes: got 'root'"),
    ],
)
def test_a_key_that_cannot_be_is_one_sentence(how, said, keys):
    with pytest.raises(UserError) as error:
        keys.add(**how)
    assert said in str(error.value)
    assert keys.listed() == []
