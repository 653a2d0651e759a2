"""The command: help, exit codes, and one sentence for every bad input."""

import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vistadream import session
from vistadream.assets import sample_image
from vistadream.commands import guard
from vistadream.commands import main as command
from vistadream.commands.main import main
from vistadream.runs.folder import RunFolder

QUIET = ("rerun.mode=off", "max_resolution=64", "export.videos=[]", "export.report=false")


def run(words: list[str], capsys: pytest.CaptureFixture) -> tuple[int, str]:
    code = main(["single-img", *words])
    return code, capsys.readouterr().err


def test_help_is_for_people(capsys: pytest.CaptureFixture) -> None:
    assert main(["single-img", "--help"]) == 0
    text = capsys.readouterr().out
    for word in ("image=PATH", "stage=no-outpaint|outpaint|coarse|fine", "--multirun", "resume=", "backends/depth="):
        assert word in text
    assert main([]) == 0
    assert "single-img" in capsys.readouterr().out


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture) -> None:
    assert main(["paint"]) == 2
    assert "wanted single-img" in capsys.readouterr().err


def test_a_termination_that_others_swallow_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    def deaf_once() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except SystemExit as end:
            heard.append(end.code)
        time.sleep(30)

    monkeypatch.setattr(guard, "ASK_AGAIN_S", 0.05)
    monkeypatch.setitem(command.COMMANDS, "deaf", (lambda words: deaf_once, ""))
    assert main(["deaf"]) == 143
    assert heard == [143]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), "nobody is asked after the end"


def test_cfg_prints_the_resolved_configuration(capsys: pytest.CaptureFixture) -> None:
    assert main(["single-img", "--cfg", "seed=7"]) == 0
    text = capsys.readouterr().out
    assert "seed: 7" in text
    assert "${" not in text


BAD = [
    ("image=https://example.org/x.jpg", "https://example.org/x.jpg is a web address; wanted a file: download it first"),
    (f"image=data:image/png;base64,{'A' * 400}", "holds the input itself; wanted a file"),
    (f"image={'b' * 300}.png", "is too long for a path"),
    (f"resume={'b' * 300}", "is too long for a path"),
    (f"out={'b' * 300}", "cannot write"),
    ("image=a\0b.png", "holds a NUL character"),
    ("image=/dev/null", "is not a picture"),
    ("image={text}/a.png", "lies below a file"),
    ("image=/nowhere/x.jpg", "no such input"),
    ("+image=/nowhere/x.jpg", "no such input"),
    ("image={folder}", "is a folder"),
    ("image={text}", "not a picture"),
    ("image=~nobody-of-that-name/x.png", "no such input"),
    ("image", "wanted knob=value"),
    ("stage=fien", "did you mean fine"),
    ("seed=abc", "Integer"),
    ("sead=1", "did you mean seed"),
    ("+sead=1", "did you mean seed"),
    ("+camera.focal=1", "did you mean camera.focal_px"),
    ("recipe=qick", "did you mean quick"),
    ("trajectory=null", "is no choice"),
    ("hydra.run.dir=x", "is not a knob"),
    ("=1", "'=1' is not a knob"),
    ("stage=coarse,fine", "wanted one, or --multirun"),
    ("stages.refine.steps=[1]", "wanted"),
    ("+stages.refine.flatness_weight=1", "a continuous surface is not a thin sheet"),
    ("checkpoint_seconds=-1", "wanted 0 or more seconds"),
    ("resume={folder}", "not a run folder"),
    ("resume=~nobody-of-that-name/x", "not a run folder"),
    ("rerun.mode=loud", "wanted one of"),
    ("rerun.port=0", "1 to 65535"),
    ("rerun.bind=''", "an address of this machine"),
    ("rerun.wait_seconds=inf", "wait=true"),
    ("seed=99999999999999999999999", "is too large"),
    ("export.video_fps=0", "1 or more"),
    ("export.video_crf=99", "0 to 51"),
    ("export.smoothing_px2=-1", "0 to 1"),
    ("export.formats=[ply,obj]", "got 'obj'; wanted some of ply, splat"),
    ("export.videos=[left]", "wanted some of rgb, depth, side_by_side"),
    ("export.video_formats=[avi]", "wanted some of mp4, gif, webp"),
    ("export.videos=[rgb,rgb]", "each once"),
    ("export.video_trajectory=spirl", "did you mean spiral?"),
    ("backends/depth=magic", "wanted one of"),
    ("what is this", "wanted knob=value"),
    ("--fast", "wanted knob=value"),
]


@pytest.mark.parametrize(("word", "says"), BAD, ids=[word for word, _ in BAD])
def test_bad_input_is_one_sentence_and_exit_code_2(word: str, says: str, tmp_path: Path, capsys) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    out = tmp_path / "out"
    code, errors = run([*QUIET, f"out={out}", word.format(folder=tmp_path, text=text)], capsys)
    assert code == 2
    assert says in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert not list(out.rglob("*.*")), "a run that never began leaves no folder"


def test_a_bad_depth_map_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    import numpy as np

    np.save(tmp_path / "nan.npy", np.full((48, 64), np.nan, np.float32))
    words = ["stage=no-outpaint", "backends/depth=given", f"backends.depth.path={tmp_path / 'nan.npy'}"]
    code, errors = run([*words, f"out={tmp_path / 'out'}", *QUIET], capsys)
    assert code == 2
    assert "nan.npy" in errors


def test_a_missing_program_is_told_before_the_run_begins(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, errors = run([f"out={tmp_path / 'out'}", "export.formats=[ply,sog]", *QUIET], capsys)
    assert code == 2
    assert "export.gaussians.formats=sog: splat-transform is not installed" in errors
    assert "npm install" in errors
    assert not (tmp_path / "out").exists()


def test_a_name_that_the_terminal_cannot_show_is_shown_escaped(tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "vistadream",
        "single-img",
        f"image={tmp_path / '日本.jpg'}",
        f"out={tmp_path}",
        *QUIET,
    ]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=False)
    assert done.returncode == 2
    assert rb"no such input: " in done.stderr
    assert rb"\u65e5\u672c.jpg" in done.stderr
    assert b"Traceback" not in done.stdout + done.stderr


def test_verbose_shows_the_traceback(tmp_path: Path) -> None:
    from vistadream.core import UserError

    with pytest.raises(UserError):
        main(["single-img", "-v", "image=/nowhere/x.jpg", f"out={tmp_path}", *QUIET])


def test_an_unwritable_output_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    code, errors = run([f"out={tmp_path / 'file'}", *QUIET], capsys)
    assert code == 2
    assert "cannot write" in errors
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_is_one_sentence_and_keeps_what_was_there(tmp_path: Path) -> None:
    """A limit on file size stands in for the disk: the first Gaussians do not fit."""
    words = [sys.executable, "-m", "vistadream", "single-img", "stage=no-outpaint", f"out={tmp_path}", *QUIET]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = subprocess.run(words, capture_output=True, text=True, preexec_fn=limit, check=False)
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    (folder,) = tmp_path.glob("*/*")
    assert RunFolder(folder).finished("load")
    assert not RunFolder(folder).finished("initialize")


def test_a_multirun_gives_each_run_its_folder_and_shares_their_stages(tmp_path: Path, capsys) -> None:
    words = ["--multirun", "seed=0,1", "stage=no-outpaint", "stages.initialize.steps=1", f"out={tmp_path}"]
    assert main(["single-img", *words, *QUIET]) == 0
    said = capsys.readouterr().out.splitlines()
    folders = sorted(tmp_path.glob("*/*"))
    assert len(folders) == 2
    assert [f.name.rpartition("-")[2] for f in folders] == ["0", "1"]
    assert all(RunFolder(f).finished("initialize") for f in folders)
    assert [line for line in said if line.startswith("run ")] == ["run 1 of 2: seed=0", "run 2 of 2: seed=1"]
    rows = [line.split() for line in said[-3:]]
    assert rows[0] == ["overrides", "status", "seconds", "folder"]
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [
        (f"seed={n}", "finished", str(folder)) for n, folder in enumerate(folders)
    ]
    taken = [line for line in said if "taken from" in line]
    assert taken == [f"{stage}: taken from {folders[0]}" for stage in ("load", "initialize")], "neither reads the seed"
    first, second = (
        {p.relative_to(f): p.read_bytes() for p in RunFolder(f).stage("load").rglob("*") if p.is_file()}
        for f in folders
    )
    assert first == second


def test_a_stopped_run_names_its_folder_for_a_shell(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(session, "run_stages", stop)
    code, errors = run([f"out={tmp_path / 'it is'}", *QUIET], capsys)
    (folder,) = tmp_path.glob("it is/*/*")
    assert code == 130
    assert errors.splitlines()[-1] == f"vistadream: stopped; go on with: vistadream single-img 'resume={folder}'"


def test_a_sweep_that_is_stopped_still_has_its_table(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(session, "run_stages", stop)
    assert main(["single-img", "--multirun", "seed=0,1", f"out={tmp_path}", *QUIET]) == 143
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-2:]]
    assert [row[:2] for row in rows] == [["seed=0", "interrupted"], ["seed=1", "not"]]


LOCKED = [
    (["image={folder}/secret.png"], "secret.png may not be read"),
    (["image={folder}/locked/a.png"], "a.png may not be read"),
    (["backends/depth=given", "backends.depth.path={folder}/secret.png"], "secret.png may not be read"),
    (["trajectory=custom", "trajectory.path={folder}/locked/c.json"], "c.json: cannot be read (Permission denied)"),
    (["resume={folder}/locked"], "run.json may not be read"),
    (["out={folder}/locked"], "cannot write"),
]


def test_what_may_not_be_read_or_written_is_one_sentence(tmp_path: Path) -> None:
    """As root the rights to pass over permissions are dropped."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.getuid() == 0 else []
    if drop and not shutil.which("setpriv"):
        pytest.skip("root passes over permissions, and setpriv is not installed")
    (tmp_path / "secret.png").write_bytes(sample_image().read_bytes())
    (tmp_path / "secret.png").chmod(0)
    (tmp_path / "locked").mkdir(mode=0)
    quiet = [f"out={tmp_path / 'out'}", *QUIET]
    runs = [["single-img", *quiet, *(word.format(folder=tmp_path) for word in words)] for words, _ in LOCKED]
    start = "import sys\nfrom vistadream.commands.main import main\n"
    code = f"{start}for words in {runs!r}: print(main(words), file=sys.stderr)"
    done = subprocess.run([*drop, sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (tmp_path / "locked").chmod(0o700)
    said = done.stderr.splitlines()
    assert said[1::2] == ["2"] * len(LOCKED), done.stderr
    for line, (_, says) in zip(said[::2], LOCKED, strict=True):
        assert says in line
        assert "; wanted " in line


def test_a_bad_picture_does_not_end_the_others_of_a_multirun(tmp_path: Path, capsys) -> None:
    text = tmp_path / "text.png"
    text.write_text("no picture")
    words = ["--multirun", f"image={text},{sample_image()}", "stage=no-outpaint", "stages.initialize.steps=1"]
    assert main(["single-img", *words, f"out={tmp_path / 'out'}", *QUIET]) == 2
    said = capsys.readouterr().err.splitlines()
    assert "text.png is not a picture" in said[0]
    assert said[-1].startswith("vistadream: 1 of 2 runs failed")
    assert "text.png" in said[-1]
    assert "sample" not in said[-1]
    assert len([f for f in tmp_path.glob("out/*/*") if RunFolder(f).finished("initialize")]) == 1


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&- <&-"])
def test_streams_that_are_closed_do_not_hide_what_happened(tmp_path: Path, closed: str) -> None:
    (tmp_path / "x.npy").write_bytes(b"")
    depth = ["backends/depth=given", f"backends.depth.path={tmp_path / 'x.npy'}", "stage=no-outpaint"]
    words = [sys.executable, "-m", "vistadream", "single-img", f"out={tmp_path}", *depth, *QUIET]
    done = subprocess.run(["sh", "-c", f"{shlex.join(words)} {closed}"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    (log,) = tmp_path.glob("*/*/run.log")
    assert f"ERROR vistadream: {tmp_path / 'x.npy'}" in log.read_text().splitlines()[-1], (
        "the error is in the run's log"
    )
    assert "\nvistadream: " not in log.read_text(), "what is for stderr does not land in a file"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import torch, sys; a = set(sys.modules); import vistadream; print(*sorted(set(sys.modules) - a))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert all(name.startswith("vistadream") for name in loaded), loaded
