"""Where a model's files are looked for, and from where they come in turn."""

import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest

from vistadream.backends.weights import hub, store
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.table import MODELS, Mirror
from vistadream.config import groups
from vistadream.core import Note, UserError

KLEIN, MOGE, FILL = MODELS["flux2-klein-4b"], MODELS["moge-2-vits-normal"], MODELS["flux-fill"]


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Only the tests that give it a server may reach for one."""

    def refuse(model, folder=None):
        raise DownloadError("the hub is out of reach")

    monkeypatch.setattr(hub, "fetch", refuse)


@pytest.fixture
def fill(server):
    """FLUX.1-Fill with its mirror on this machine."""
    digest = hashlib.sha256(server.content).hexdigest()
    mirror = Mirror("modelscope", f"{server.url}/")
    return dataclasses.replace(FILL, sha256=dict.fromkeys(FILL.sha256, digest), mirror=mirror)


def fill_folder(model, folder: Path, without: str = "") -> Path:
    """All that the model's patterns ask for, as empty files."""
    for pattern in model.files:
        if pattern != without:
            file = folder / pattern.replace("*", "x")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return folder


def cache_folder(model) -> Path:
    """An empty snapshot of the model in the hub's cache."""
    root = hub.hub_cache() / f"models--{model.repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / model.revision).write_text("abc")
    return root / "snapshots" / "abc"


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_each_model_is_found_in_the_cache_once_all_of_it_is_there(model):
    assert store.find(model) is None
    folder = fill_folder(model, cache_folder(model), without=model.files[-1])
    assert store.find(model) is None, "not all of it"
    fill_folder(model, folder)
    assert store.find(model) == folder


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_digests_are_of_files_that_the_model_has(model):
    assert set(model.sha256) <= set(model.files)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in model.sha256.values() if digest is not None)
    assert not model.mirror or set(model.sha256) == set(model.files), "a mirror has all files, each by its name"


def test_a_shard_that_an_index_names_in_vain_is_lacking(tmp_path):
    folder = fill_folder(KLEIN, tmp_path / "klein")
    index = {"weight_map": {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}}
    (folder / "transformer" / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "transformer" / "model-1-of-2.safetensors").touch()
    assert store.lacking(KLEIN, folder) == ["transformer/model-2-of-2.safetensors"]


def test_a_folder_of_the_user_is_taken_as_it_is_and_nothing_else(tmp_path):
    cached = fill_folder(MOGE, cache_folder(MOGE))
    mine = fill_folder(MOGE, tmp_path / "mine")
    assert store.folder_of(MOGE, mine) == mine
    assert store.folder_of(MOGE, mine / "model.pt") == mine
    assert store.folder_of(MOGE) == cached
    with pytest.raises(UserError, match=r"lacks model\.pt"):
        store.folder_of(MOGE, tmp_path)
    with pytest.raises(UserError, match="not a folder"):
        store.folder_of(MOGE, tmp_path / "nowhere")


def test_a_non_commercial_model_asks_first_even_when_it_is_here():
    fill_folder(FILL, cache_folder(FILL))
    with pytest.raises(UserError, match="accept_noncommercial=true") as caught:
        store.folder_of(FILL)
    assert FILL.license.url in str(caught.value)
    assert "flux2-klein-4b" in str(caught.value)
    assert store.folder_of(FILL, accept_noncommercial=True) == store.find(FILL)


def test_every_model_that_may_not_be_sold_has_one_that_may():
    for model in MODELS.values():
        store_ok = model.license.commercial and not model.gated
        free = [MODELS[name] for name in model.alternatives]
        assert store_ok or free or model.without_weights in groups()[f"backends/{model.role}"], model.name
        assert all(m.license.commercial and not m.gated and m.role == model.role for m in free), model.name


def test_the_mirror_follows_where_the_hub_fails_and_says_so(fill, notes):
    folder = store.folder_of(fill, accept_noncommercial=True)
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["ae.safetensors", "flux1-fill-dev.safetensors"]
    assert store.find(fill) == folder
    warnings = [note.text for note in notes if isinstance(note, Note) and note.level == "warning"]
    assert warnings == ["not from hub: the hub is out of reach"]


def test_a_source_by_name_is_the_only_one_asked(fill, server, notes):
    with pytest.raises(DownloadError, match=r"^the hub is out of reach$"):
        store.download(fill, source="hub")
    assert server.seen == []
    store.download(fill, source="modelscope")
    assert not [note for note in notes if isinstance(note, Note) and note.level == "warning"]
    with pytest.raises(
        UserError, match="from 'elsewhere', which has no model; wanted --source hub or modelscope, or none"
    ):
        store.download(fill, source="elsewhere")
    with pytest.raises(UserError, match="which has flux-fill; wanted --source hub, or none"):
        store.download(MOGE, source="modelscope")


def test_when_no_source_has_it_each_one_s_reason_is_told(fill, server):
    server.usual = server.status(404)
    with pytest.raises(DownloadError, match=r"hub: the hub is out of reach; modelscope: .*404"):
        store.download(fill)
    assert store.find(fill) is None


def test_a_full_disk_ends_it_whatever_sources_are_left(fill, server, monkeypatch):
    def full(model, folder=None):
        raise UserError("no room")

    monkeypatch.setattr(hub, "fetch", full)
    with pytest.raises(UserError, match="no room"):
        store.download(fill)
    assert server.seen == []


def test_offline_says_what_to_do(fill, server, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match=r"HF_HUB_OFFLINE.*`path`"):
        store.folder_of(fill, accept_noncommercial=True)
    assert server.seen == []


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"vistadream\[models\]"):
        store.download(MOGE)


@pytest.fixture
def sharp(server):
    """SHARP, whose publisher names no digest, with its direct address on this machine."""
    return dataclasses.replace(MODELS["sharp"], mirror=Mirror("apple", f"{server.url}/"))


def test_the_digest_of_the_first_download_is_told_and_kept(sharp, server, notes, tmp_path):
    folder = store.download(sharp, source="apple")
    digest = hashlib.sha256(server.content).hexdigest()
    assert (folder / sharp.files[0]).read_bytes() == server.content
    assert any(digest in note.text for note in notes if isinstance(note, Note))
    (kept,) = hub.hub_home().rglob("*.sha256")
    assert kept.read_text() == f"{digest}  {sharp.files[0]}\n"
    store.download(sharp, tmp_path / "again", source="apple")
    assert kept.read_text() == f"{digest}  {sharp.files[0]}\n"


def test_other_bytes_than_at_the_first_download_are_refused_until_they_are_accepted(sharp, server, tmp_path):
    store.download(sharp, source="apple")
    server.content = server.content[::-1]
    with pytest.raises(DownloadError, match=r"other bytes .* to accept another one, remove (\S+\.sha256)") as refused:
        store.download(sharp, tmp_path, source="apple")
    assert not (tmp_path / "sharp" / sharp.files[0]).exists()
    Path(str(refused.value).rpartition("remove ")[2]).unlink()
    assert store.download(sharp, tmp_path, source="apple") == tmp_path / "sharp"


def test_a_web_page_is_not_taken_for_the_file(sharp, server):
    page = b"<!doctype html><title>Sign in</title>"
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(page)}
    server.plan = [lambda request: request.reply(200, headers, page)]
    with pytest.raises(DownloadError, match="answered with a web page; wanted the file"):
        store.download(sharp, source="apple")
    assert store.find(sharp) is None
    assert not [*hub.hub_home().rglob("*.sha256")]
