"""`vistadream keys`: makes a key and prints it once, lists and revokes."""

import re

import pytest

from vistadream.commands.main import main
from vistadream.service.access.keys import Keys
from vistadream.service.queue.claims import database_url
from vistadream.service.queue.database import Database


def test_a_key_is_made_printed_once_listed_and_revoked(tmp_path, capsys):
    data = f"data={tmp_path / 'new'}"
    words = ["name='[b]laptop'", "owner=alice", "scopes=[jobs:read,admin]", "expires_days=2"]
    assert main(["keys", "add", *words, data]) == 0
    key = capsys.readouterr().out.strip()
    id, secret = re.fullmatch(r"vd_(\w{12})_([\w-]{43})", key).groups()
    database = Database(database_url(tmp_path / "new"))
    row = Keys(database).known(key)
    assert (row.name, row.owner, row.scopes, row.state) == ("[b]laptop", "alice", ("jobs:read", "admin"), "valid")
    assert row.expires_s - row.created_s == 2 * 86_400
    database.close()
    assert main(["keys", "list", data]) == 0
    listed = capsys.readouterr().out
    assert id in listed
    assert "[b]laptop" in listed
    assert secret not in listed
    assert main(["keys", "revoke", f"id={id}", data]) == 0
    assert "no key is left" in capsys.readouterr().out
    assert main(["keys", "revoke", f"id={id}", data]) == 2
    assert "is not a key that opens anything" in capsys.readouterr().err


def test_help_names_every_knob(capsys):
    assert main(["keys", "--help"]) == 0
    said = capsys.readouterr().out
    for knob in ("data", "database_env", "name", "owner", "scopes", "expires_days", "id"):
        assert f"\n{knob}: " in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["make"], "keys make is not possible; wanted keys add, keys list, keys revoke"),
        (["add"], "there is no name"),
        (["add", "name=a", "scopes=[root]"], "scopes: got 'root'; wanted some of jobs:read"),
        (["add", "name=a", "scopes=jobs:read"], "scopes"),
        (["add", "name=a", "expires_days=0"], "expires_days: got 0; wanted over 0, or null"),
        (["add", "nam=a"], "did you mean name?"),
        (["revoke"], "there is no id"),
        (["list", "data=/proc/nowhere"], "data=/proc/nowhere"),
        (["list", "database_env=NOWHERE"], "there is no such environment variable"),
    ],
)
def test_wrong_words_are_one_sentence(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["keys", *words]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert said in error[0]
