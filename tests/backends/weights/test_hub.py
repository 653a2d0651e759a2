"""Models from a hub on this machine, through the command, in a process of its own whose environment names that hub."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vistadream.backends.weights import hub, store
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.table import MODELS
from vistadream.core import UserError

COMMIT = "c" * 40
MODEL = "blip-base"
MOGE = "moge-2-vits-normal"
"""A model with a digest in the table, which the files of these tests do not have."""
FILES = ("config.json", "preprocessor_config.json", "pytorch_model.bin", "tokenizer.json", "vocab.txt", "model.pt")


def as_hub(request) -> None:
    """What the hub's library asks of a repository that holds FILES and one that nobody asked for."""
    files, content = [*FILES, "README.md"], request.server.content
    if request.path.startswith("/api/models/") and "/tree/" in request.path:
        listing = [{"type": "file", "path": name, "size": len(content), "oid": "0" * 40} for name in files]
        body = json.dumps(listing).encode()
    elif request.path.startswith("/api/models/"):
        siblings = [{"rfilename": name} for name in files]
        body = json.dumps({"id": "a/b", "sha": COMMIT, "siblings": siblings}).encode()
    elif "/resolve/" in request.path:
        headers = {"ETag": '"0123"', "X-Repo-Commit": COMMIT, "Content-Length": len(content)}
        return request.reply(200, headers, content)
    else:
        return request.reply(404, {"Content-Length": 0})
    return request.reply(200, {"Content-Type": "application/json", "Content-Length": len(body)}, body)


@pytest.fixture
def a_hub(server):
    server.usual = as_hub
    return server


def vistadream(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess:
    variables = {**os.environ, "HF_HOME": str(home), "COLUMNS": "1000", **environment}
    command = [sys.executable, "-m", "vistadream", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_model_lands_in_hf_home_from_hf_endpoint_with_hf_token(a_hub, tmp_path):
    done = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=a_hub.url, HF_TOKEN="hf_secret")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "hub" / "models--Salesforce--blip-image-captioning-base" / "snapshots" / COMMIT
    assert (folder / "pytorch_model.bin").read_bytes() == a_hub.content
    assert not (folder / "README.md").exists(), "only what is needed"
    assert str(folder) in done.stdout
    sent = [headers.get("authorization") for _, path, headers in a_hub.seen if "/resolve/" in path]
    assert sent
    assert set(sent) == {"Bearer hf_secret"}
    assert "hf_secret" not in done.stdout + done.stderr


def test_what_is_here_is_found_and_asks_nothing(a_hub, tmp_path):
    vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=a_hub.url)
    a_hub.seen.clear()
    again = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=a_hub.url, HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    listed = json.loads(vistadream("models", "--json", home=tmp_path).stdout)
    assert [model["name"] for model in listed if model["path"]] == [MODEL]
    assert a_hub.seen == []


def test_dest_is_a_folder_of_plain_files(a_hub, tmp_path):
    done = vistadream("download", MODEL, "--dest", str(tmp_path / "mine"), home=tmp_path, HF_ENDPOINT=a_hub.url)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine" / MODEL / "pytorch_model.bin").read_bytes() == a_hub.content
    assert f"backends.caption.path={tmp_path / 'mine' / MODEL}" in done.stdout


@pytest.mark.parametrize("dest", [False, True], ids=["in the cache", "in a folder"])
def test_a_file_without_its_published_digest_is_refused_and_not_kept(a_hub, tmp_path, dest):
    words = ("download", MOGE, *(("--dest", str(tmp_path / "mine")) if dest else ()))
    for _ in range(2):
        done = vistadream(*words, home=tmp_path, HF_ENDPOINT=a_hub.url)
        assert done.returncode == 3
        assert "model.pt of Ruicheng/moge-2-vits-normal on the hub has other bytes" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    kept = [file for file in tmp_path.rglob("*") if file.is_file() and file.read_bytes() == a_hub.content]
    assert kept == []


@pytest.mark.parametrize(
    ("status", "token", "says"),
    [
        (401, "", "there is no token"),
        (401, "hf_secret", "HF_TOKEN is invalid or has expired"),
        (403, "hf_secret", "your token may not read it yet"),
    ],
)
def test_a_gate_names_the_page_the_command_and_the_free_model(a_hub, tmp_path, status, token, says):
    a_hub.usual = a_hub.status(status, X_Error_Code="GatedRepo")
    words = ("download", "flux-text", "--accept-noncommercial")
    done = vistadream(*words, home=tmp_path, HF_ENDPOINT=a_hub.url, HF_TOKEN=token)
    assert done.returncode == 3, done.stderr
    last = done.stderr.splitlines()[-1]
    for word in (says, MODELS["flux-text"].page, "hf auth login", "HF_TOKEN", "flux2-klein-4b"):
        assert word in last
    assert "Traceback" not in done.stderr


INVALID = "Invalid credentials in Authorization header"


@pytest.mark.parametrize(
    ("status", "headers", "token", "says"),
    [
        (401, {"X_Error_Message": INVALID}, "hf_old", "HF_TOKEN is invalid, has expired, or may not read this model"),
        (401, {"X_Error_Code": "RepoNotFound"}, "hf_old", "or no token, as blip-base is open to all"),
        (403, {}, "hf_old", "wanted a new one from https://huggingface.co/settings/tokens"),
        (401, {}, "", "answered 401 without a token"),
        (403, {}, "", "answered 403 without a token"),
        (404, {"X_Error_Code": "RepoNotFound"}, "", "is not there (404)"),
        (404, {"X_Error_Code": "RevisionNotFound"}, "hf_good", "is not there (404)"),
        (429, {}, "", "answered 429; wanted its files: try later"),
        (500, {}, "hf_good", "answered 500; wanted its files: try later"),
    ],
)
def test_an_answer_without_files_is_one_clear_error(a_hub, tmp_path, monkeypatch, status, headers, token, says):
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no_token"))
    monkeypatch.setenv("HF_ENDPOINT", a_hub.url)
    monkeypatch.setenv("HF_TOKEN", token)
    a_hub.usual = a_hub.status(status, **headers)
    with pytest.raises(DownloadError, match=re.escape(says)) as caught:
        store.download(MODELS[MODEL], tmp_path)
    assert "\n" not in str(caught.value)
    assert "hf_" not in str(caught.value)


def test_blanks_around_the_hub_s_address_do_not_matter(a_hub, tmp_path):
    done = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=f" \t{a_hub.url} \n")
    assert done.returncode == 0, done.stderr


UNUSABLE = {
    "an address without a scheme": ("HF_ENDPOINT", "hub.example", "wanted https://HOST"),
    "an address of something else": ("HF_ENDPOINT", "ftp://hub.example", "wanted https://HOST"),
    "half an address": ("HF_ENDPOINT", "http://[::1", "wanted https://HOST"),
    "a port that is none": ("HF_ENDPOINT", "http://hub.example:99999", "wanted https://HOST"),
    "a blank inside": ("HF_ENDPOINT", "http://hub example", "wanted https://HOST"),
    "a token in typographic quotes": ("HF_TOKEN", "\u201chf_secret\u201d", "settings/tokens"),
    "a token with a blank inside": ("HF_TOKEN", "hf_secret hf_secret", "settings/tokens"),
    "a certificate file that is not there": ("SSL_CERT_FILE", "/nowhere/ca.pem", "no SSL_CERT_FILE"),
    "a certificate folder that is not there": ("SSL_CERT_DIR", "/nowhere/certs", "no SSL_CERT_DIR"),
    "certificates that are none": ("SSL_CERT_FILE", __file__, "PEM"),
    "a proxy of no kind": ("HTTPS_PROXY", "sock://somewhere", "HTTPS_PROXY cannot be read"),
    "half a proxy": ("HTTP_PROXY", "http://[::1", "HTTP_PROXY cannot be read"),
    "half a host without a proxy": ("NO_PROXY", "[::1]", "NO_PROXY cannot be read"),
}


@pytest.mark.parametrize(("variable", "value", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_setting_that_cannot_be_used_is_one_sentence(a_hub, tmp_path, monkeypatch, variable, value, says):
    monkeypatch.setenv("HF_ENDPOINT", a_hub.url)
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=re.escape(says)) as caught:
        store.download(MODELS[MODEL], tmp_path)
    assert caught.value.exit_code == 2
    assert variable in str(caught.value)
    assert not re.search(r"\n|secret", str(caught.value))
    assert a_hub.seen == []


def test_ipv6_networks_without_a_proxy_do_not_keep_a_model_back(a_hub, tmp_path):
    done = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=a_hub.url, NO_PROXY="localhost,fd00::/8, 127.0.0.1")
    assert done.returncode == 0, done.stderr


def test_a_repository_laid_out_anew_is_one_clear_error(a_hub, tmp_path):
    """One of its patterns matches nothing, which the library takes for a finished download."""
    done = vistadream("download", "da3-small", home=tmp_path, HF_ENDPOINT=a_hub.url)
    assert done.returncode == 3
    assert "came without model.safetensors" in done.stderr.splitlines()[-1]


def test_a_hub_out_of_reach_is_one_clear_error(tmp_path):
    done = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 3
    assert "was not reached" in done.stderr.splitlines()[-1]


def test_a_home_that_may_not_be_written_is_one_sentence(a_hub, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = vistadream("download", MODEL, home=tmp_path / "file", HF_ENDPOINT=a_hub.url)
    assert done.returncode == 2
    assert "cannot write" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_offline_reaches_for_nothing(a_hub, tmp_path):
    done = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=a_hub.url, HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert "HF_HUB_OFFLINE" in done.stderr
    assert a_hub.seen == []


def test_a_dry_run_reaches_for_nothing(a_hub, tmp_path):
    done = vistadream("download", "gpu", "--dry-run", home=tmp_path, HF_ENDPOINT=a_hub.url)
    assert done.returncode == 0
    assert "flux2-klein-4b (Apache-2.0): to fetch" in done.stdout
    assert a_hub.seen == []
    assert not list(tmp_path.iterdir())


def test_the_hub_is_reached_through_a_socks_proxy(a_hub, socks_proxy, tmp_path):
    endpoint, proxy = f"http://hub.invalid:{a_hub.server_port}", f"socks5h://127.0.0.1:{socks_proxy.port}"
    done = vistadream("download", MODEL, home=tmp_path, HF_ENDPOINT=endpoint, ALL_PROXY=proxy)
    assert done.returncode == 0, done.stderr
    assert set(socks_proxy.asked) == {b"hub.invalid"}


@pytest.mark.parametrize(
    "variables",
    [
        {"HF_HOME": "/a/home"},
        {"HF_HUB_CACHE": "/a/cache", "HF_HOME": "/a/home"},
        {"XDG_CACHE_HOME": "/a/xdg"},
        {"HOME": "/a/user"},
    ],
    ids=lambda variables: "+".join(variables),
)
def test_our_idea_of_the_cache_is_the_library_s(variables):
    code = (
        "from huggingface_hub import constants; from vistadream.backends.weights import hub; "
        "print(constants.HF_HUB_CACHE == str(hub.hub_cache()), constants.HF_HOME == str(hub.hub_home()))"
    )
    clean = {k: v for k, v in os.environ.items() if k not in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("value", ["1", "true", "YES", "0", "", "off"])
def test_our_idea_of_offline_is_the_library_s(value, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    code = "from huggingface_hub import constants as c; print(c.HF_HUB_OFFLINE)"
    theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert str(hub.offline()) == theirs
