"""The resuming download against a server that fails in every way: a whole file or one clear error, never less."""

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from vistadream.backends.weights.direct import Patience, fetch
from vistadream.backends.weights.errors import DownloadError
from vistadream.backends.weights.network import checked_settings
from vistadream.core import Note, Progress, UserError

QUICK = Patience(tries=3, stall_s=0.3, pause_s=0.0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def get(server: Any, target: Path, digest: str | None = "right") -> Path:
    wanted = sha256(server.content) if digest == "right" else digest
    return fetch(f"{server.url}/model.bin", target, wanted, QUICK)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_good_server_gives_the_file_and_nothing_else_is_left(server, tmp_path, notes):
    target = get(server, tmp_path / "model.bin")
    assert target.read_bytes() == server.content
    assert left_in(tmp_path) == {"model.bin"}
    assert server.ranges() == [None]
    bars = [note for note in notes if isinstance(note, Progress)]
    assert bars[-1].done == bars[-1].total == 1


def test_a_file_that_is_here_costs_no_request(server, tmp_path):
    get(server, tmp_path / "model.bin")
    get(server, tmp_path / "model.bin")
    assert len(server.seen) == 1


@pytest.mark.parametrize("stall", [False, True], ids=["dropped", "stalled"])
def test_a_broken_connection_goes_on_where_it_broke(server, tmp_path, stall):
    server.plan = [server.file(upto=40_000, stall=stall), server.file(upto=25_000, stall=stall)]
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, "bytes=40000-", "bytes=65000-"]
    assert [headers.get("If-Range") for _, _, headers in server.seen] == [None, '"v1"', '"v1"']


def test_another_run_goes_on_where_the_last_one_gave_up(server, tmp_path):
    server.plan = [server.file(upto=30_000), *[server.status(503)] * 3]
    with pytest.raises(DownloadError, match="503"):
        get(server, tmp_path / "model.bin")
    assert left_in(tmp_path) == {"model.bin.part", "model.bin.part.json"}
    server.seen.clear()
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == ["bytes=30000-"]


def test_tries_count_only_while_nothing_new_comes(server, tmp_path):
    server.plan = [server.file(upto=10_000)] * 9
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert len(server.seen) == 10


def test_a_server_that_never_gets_farther_is_given_up(server, tmp_path):
    server.usual = server.file(upto=10_000, ranges=False)
    with pytest.raises(DownloadError, match=r"3 times in a row.*goes on from there"):
        get(server, tmp_path / "model.bin")
    assert not (tmp_path / "model.bin").exists()


@pytest.mark.parametrize(("code", "tries"), [(401, 1), (403, 1), (404, 1), (418, 1), (429, 3), (500, 3)])
def test_a_status_without_a_file_is_one_clear_error(server, tmp_path, code, tries):
    server.usual = server.status(code)
    with pytest.raises(DownloadError, match=str(code)) as caught:
        get(server, tmp_path / "model.bin")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3
    assert len(server.seen) == tries
    assert not (tmp_path / "model.bin").exists()


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server, tmp_path, code):
    server.plan = [server.status(code), server.file(upto=50_000), server.status(code)]
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, None, "bytes=50000-", "bytes=50000-"]


def test_retry_after_is_waited_for_within_reason(server, tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    server.plan = [server.status(429, Retry_After=7), server.status(503, Retry_After=86_400)]
    get(server, tmp_path / "model.bin")
    assert slept == [7.0, QUICK.longest_pause_s]


def test_pauses_grow(server, tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    server.usual = server.status(500)
    with pytest.raises(DownloadError):
        fetch(f"{server.url}/x", tmp_path / "x", None, Patience(tries=5, pause_s=1.0))
    assert slept == [1.0, 2.0, 4.0, 8.0]


def test_wrong_bytes_are_refused_and_not_kept(server, tmp_path):
    server.usual = server.file(flip=True)
    with pytest.raises(DownloadError, match="other bytes"):
        get(server, tmp_path / "model.bin")
    assert left_in(tmp_path) == set()
    assert len(server.seen) == 1, "a whole file that is wrong is not asked for again"


def test_pieces_that_do_not_fit_are_fetched_once_more_as_a_whole(server, tmp_path):
    server.plan = [server.file(upto=40_000, flip=True)]
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, "bytes=40000-", None]


@pytest.mark.parametrize("etag", ['"v1"', None], ids=["with an ETag", "without"])
def test_a_server_that_ignores_ranges_is_read_from_the_start(server, tmp_path, etag):
    server.etag = etag
    server.plan = [server.file(upto=40_000), server.file(ranges=False)]
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, "bytes=40000-"]


def test_a_server_that_sends_a_slice_at_a_time_is_asked_on(server, tmp_path):
    def slices(request) -> None:
        start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        piece = server.content[start : start + 30_000]
        place = f"bytes {start}-{start + len(piece) - 1}/{len(server.content)}"
        request.reply(206, {"ETag": server.etag, "Content-Range": place, "Content-Length": len(piece)}, piece)

    server.plan, server.usual = [server.file(upto=10_000)], slices
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, *(f"bytes={start}-" for start in (10_000, 40_000, 70_000, 100_000))]


def test_a_redirection_is_followed_each_time_with_the_range(server, tmp_path):
    server.plan = [server.status(302, Location="/a"), server.file(upto=40_000), server.status(302, Location="/b")]
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert [path for _, path, _ in server.seen] == ["/model.bin", "/a", "/model.bin", "/b"]
    assert server.ranges() == [None, None, "bytes=40000-", "bytes=40000-"]


def test_redirections_without_end_are_one_clear_error(server, tmp_path):
    server.usual = server.status(302, Location="/model.bin")
    with pytest.raises(DownloadError, match="redirects"):
        get(server, tmp_path / "model.bin")


@pytest.mark.parametrize("weak", [False, True])
def test_a_file_that_changed_in_between_starts_over(server, tmp_path, weak):
    """A strong ETag makes the server itself start over; with a weak one we see that it is another."""
    server.etag = 'W/"v1"' if weak else '"v1"'
    server.plan = [server.file(upto=40_000), server.status(503), server.status(503), server.status(503)]
    with pytest.raises(DownloadError):
        get(server, tmp_path / "model.bin")
    server.content, server.etag = server.content[::-1], server.etag.replace("1", "2")
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content


def test_a_file_of_another_length_starts_over(server, tmp_path):
    server.etag = None
    server.plan = [server.file(upto=40_000)] + [server.status(503)] * 3
    with pytest.raises(DownloadError):
        get(server, tmp_path / "model.bin")
    server.content = server.content[:90_000]
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content


def test_more_on_disk_than_the_server_has_starts_over(server, tmp_path):
    (tmp_path / "model.bin.part").write_bytes(b"x" * (len(server.content) + 5))
    (tmp_path / "model.bin.part.json").write_text(json.dumps({"etag": '"v1"', "total": len(server.content)}))
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content


@pytest.mark.parametrize("facts", [None, "", "[]", "{}"])
def test_a_part_that_nobody_knows_counts_as_nothing(server, tmp_path, facts):
    (tmp_path / "model.bin.part").write_bytes(b"whose?")
    if facts is not None:
        (tmp_path / "model.bin.part.json").write_text(facts)
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None]


def test_a_run_killed_before_the_rename_needs_no_byte_more(server, tmp_path):
    (tmp_path / "model.bin.part").write_bytes(server.content)
    (tmp_path / "model.bin.part.json").write_text(json.dumps({"etag": '"v1"', "total": len(server.content)}))
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.seen == []


def test_a_full_disk_is_told_before_the_first_byte(server, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match="free some") as caught:
        get(server, tmp_path / "model.bin")
    assert not isinstance(caught.value, DownloadError), "another source would not help"
    assert (tmp_path / "model.bin.part").stat().st_size == 0


def test_a_folder_that_may_not_be_written_is_one_sentence(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write"):
        get(server, tmp_path / "file" / "model.bin")


def test_processes_that_want_the_same_file_fetch_it_once(server, tmp_path):
    server.plan = [server.file(upto=40_000, stall=True)]
    code = (
        "import sys; from pathlib import Path; from vistadream.backends.weights.direct import Patience, fetch; "
        "fetch(sys.argv[1], Path(sys.argv[2]), None, Patience(stall_s=2.0, pause_s=0.0))"
    )
    command = [sys.executable, "-c", code, f"{server.url}/model.bin", str(tmp_path / "model.bin")]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, "bytes=40000-"]


def test_a_killed_process_leaves_what_the_next_one_goes_on_from(server, tmp_path):
    server.plan = [server.file(upto=40_000, stall=True)]
    part = tmp_path / "model.bin.part"
    code = (
        "import sys; from pathlib import Path; from vistadream.backends.weights.direct import fetch; "
        "fetch(sys.argv[1], Path(sys.argv[2]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, f"{server.url}/model.bin", str(tmp_path / "model.bin")])
    while not (part.exists() and part.stat().st_size == 40_000):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait(10)
    assert get(server, tmp_path / "model.bin").read_bytes() == server.content
    assert server.ranges() == [None, "bytes=40000-"]


def test_waiting_for_another_process_is_said(server, tmp_path, notes):
    holder = threading.Event()
    held = threading.Event()

    def hold() -> None:
        from filelock import FileLock

        with FileLock(tmp_path / ".model.bin.lock"):
            held.set()
            holder.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    threading.Timer(0.2, holder.set).start()
    get(server, tmp_path / "model.bin")
    thread.join()
    assert any("another process" in note.text for note in notes if isinstance(note, Note))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_an_http_proxy_is_used(server, tmp_path, monkeypatch, variable):
    """The host has no address: only the proxy, which is the server itself, can answer for it."""
    monkeypatch.setenv(variable, server.url)
    server.plan = [server.file(upto=40_000)]
    fetch("http://weights.invalid/model.bin", tmp_path / "model.bin", sha256(server.content), QUICK)
    assert {path for _, path, _ in server.seen} == {"http://weights.invalid/model.bin"}
    assert server.ranges() == [None, "bytes=40000-"]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used(server, socks_proxy, tmp_path, monkeypatch, scheme):
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{socks_proxy.port}")
    fetch(f"http://weights.invalid:{server.server_port}/model.bin", tmp_path / "model.bin", None, QUICK)
    assert (tmp_path / "model.bin").read_bytes() == server.content
    assert socks_proxy.asked == [b"weights.invalid"]


def test_a_proxy_that_is_down_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="connection lost"):
        fetch("http://weights.invalid/x", tmp_path / "x", None, QUICK)


def test_a_proxy_that_is_no_address_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "sock://somewhere")
    with pytest.raises(UserError, match="ALL_PROXY"):
        fetch("http://weights.invalid/x", tmp_path / "x", None, QUICK)


def test_ipv6_networks_are_left_out_of_no_proxy_meanwhile(server, tmp_path, monkeypatch):
    """The proxy is down: only the host that NO_PROXY names beside the network is reached."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "fd00::/8,127.0.0.1")
    with checked_settings():
        get(server, tmp_path / "model.bin")
    assert os.environ["NO_PROXY"] == "fd00::/8,127.0.0.1"


def test_bytes_reach_the_disk_before_the_name(server, tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *args, real=real, name=name: (order.append(name), real(*args))[1])
    get(server, tmp_path / "model.bin")
    assert order == ["fsync", "replace"]
