"""The guard: one line and an exit code for whatever ends a command, at any moment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vistadream.commands import guard
from vistadream.core import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def hangups_end_programs():
    """A test run under nohup ignores them, and so do the programs that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def ended(act: Callable[[], object], capsys: pytest.CaptureFixture, **more) -> tuple[int, str]:
    """The exit code of a command that does this, and what it said."""
    code = guard.guarded("name", lambda: act, "go on", **more)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("absent", "absent does not exist"),
        ("b" * 300, "is too long for a path"),
        ("file/below", "below lies below a file"),
        (".", "is a folder"),
    ],
)
def test_an_error_of_the_system_is_one_sentence(path: str, says: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()

    def read() -> None:
        Path(path).read_bytes()

    code, said = ended(read, capsys)
    assert code == 2
    assert said.startswith("name: ")
    assert says in said
    assert "; wanted " in said
    assert said.count("\n") == 1
    assert len(said) < 300
    with pytest.raises(OSError):  # noqa: PT011
        ended(read, capsys, verbose=True)


@pytest.mark.parametrize("fault", [ZeroDivisionError(), OSError("no number: raised by a package")])
def test_a_fault_of_the_program_shows_where_it_is(fault: Exception, capsys) -> None:
    def act() -> None:
        raise fault

    with pytest.raises(type(fault)):
        ended(act, capsys)


CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize(("number", "code"), CODES.items())
def test_a_signal_ends_the_command(number: int, code: int, capsys) -> None:
    before = [signal.getsignal(n) for n in guard.SIGNALS]
    assert ended(lambda: signal.raise_signal(number), capsys) == (code, "name: stopped; go on\n")
    assert [signal.getsignal(n) for n in guard.SIGNALS] == before


@pytest.mark.parametrize("number", CODES)
def test_a_signal_that_is_ignored_stays_so(number: int, capsys) -> None:
    """As by nohup, and in a shell's background jobs."""
    earlier = signal.signal(number, signal.SIG_IGN)
    try:
        assert ended(lambda: signal.raise_signal(number), capsys) == (0, "")
    finally:
        signal.signal(number, earlier)


def test_a_stop_that_becomes_another_error_is_a_stop(capsys) -> None:
    def act() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy failed to import") from None

    assert ended(act, capsys) == (130, "name: stopped; go on\n")


def test_a_stop_in_a_destructor_is_not_lost(capsys) -> None:
    class Deaf:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def act() -> None:
        deaf = Deaf()
        del deaf
        time.sleep(30)

    began = time.monotonic()
    assert ended(act, capsys) == (130, "name: stopped; go on\n")
    assert time.monotonic() - began < 2


def test_what_to_do_after_a_stop_is_said_by_who_knows_it(capsys) -> None:
    def act() -> None:
        error = KeyboardInterrupt()
        error.add_note("resume it")
        raise error

    assert ended(act, capsys) == (130, "name: stopped; resume it\n")


def run(words: list, **more) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, **more)


@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_packages_load_is_one_line(number: int) -> None:
    """-X importtime tells which package is loading."""
    words = [sys.executable, "-X", "importtime", "-m", "vistadream", "single-img", "image=/nowhere.png"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        while "numpy" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(number)
        said = process.stderr.read().splitlines()
    assert process.returncode == CODES[number]
    assert [line for line in said if not line.startswith("import time:")] == ["vistadream: stopped"]


def test_a_signal_while_a_tool_loads_its_packages_is_one_line() -> None:
    words = [sys.executable, "-X", "importtime", ROOT / "tools" / "analyze_gs_ply.py", "x.ply"]
    with subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True) as process:
        while "numpy" not in (line := process.stderr.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().splitlines()
    assert process.returncode == 130
    assert [line for line in said if not line.startswith("import time:")] == ["analyze_gs_ply: stopped"]


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "vistadream", "single-img"],
        ["-m", "vistadream", "models"],
        [ROOT / "tools" / "analyze_gs_ply.py", "x.ply"],
        [ROOT / "tools" / "run_fastgs_refine.py"],
    ],
)
def test_a_deleted_working_folder_is_one_sentence(command: list, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1"; rmdir "$1"; shift; exec "$@"'
    done = run(["sh", "-c", script, "sh", gone, sys.executable, *command])
    assert done.returncode == 2
    assert "the working folder was deleted; wanted one that exists" in done.stderr
    assert done.stderr.count("\n") == 1


def test_nobody_who_reads_on_is_no_error() -> None:
    done = run(["bash", "-c", f"set -o pipefail; {sys.executable} -m vistadream models --json | head -c 1"])
    assert done.returncode in (0, 141)
    assert done.stderr == ""


def test_the_sentence_for_a_full_disk_names_the_file() -> None:
    from vistadream.core import system_error

    error = system_error(OSError(28, os.strerror(28), "/a/b.ply"))
    assert isinstance(error, UserError)
    assert str(error).startswith("/a/b.ply does not fit on its disk; wanted free space")
