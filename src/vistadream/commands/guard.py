"""The guard around every command and tool: signals and errors become one line and an exit code.

A signal that asks the program to end (Ctrl-C, SIGTERM, a closed terminal) ends it at once while it loads its packages,
as nothing is open then, and code that is interrupted there may abort the process. Afterwards it raises an exception, so
that files are closed and run.json says what happened.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from vistadream.core import UserError, system_error

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Those that ask a program to end. Windows has no SIGHUP."""
ASK_AGAIN_S = 3.0
"""Longer than a run takes to close its files when it is asked to end."""
_SOON_S = 0.05
_SIGPIPE = 13

Act = Callable[[], object]
Handler = Callable[[int, FrameType | None], Any]


def begin(name: str) -> None:
    """For a tool, before it imports its packages: from here on a signal ends the process with one line."""
    for number in _heard():
        signal.signal(number, partial(_leave, name))
    try:
        check_working_folder()
    except UserError as error:
        _say(f"{name}: {error}")
        raise SystemExit(error.exit_code) from None


def guarded(name: str, load: Callable[[], Act], going_on: str, verbose: bool = False) -> int:
    """The exit code of the command `name`: 2 on bad input, 130 on Ctrl-C, 129 and 143 on SIGHUP and SIGTERM.

    `load` imports what the command needs and returns what it does; `going_on` says what to do when it was stopped,
    unless the exception's notes say it. With `verbose` errors are raised.
    """
    asked: list[int] = []
    try:
        with _handling(partial(_leave, name)):
            check_working_folder()
            act = load()
            with _handling(partial(_stop, asked)), _nothing_swallowed(asked):
                act()
                sys.stdout.flush()
        return 0
    except BaseException as error:
        if asked or isinstance(error, KeyboardInterrupt):  # an interrupted import may raise anything
            _say(f"{name}: stopped; {'; '.join(getattr(error, '__notes__', [])) or going_on}")
            return 128 + (asked[0] if asked else signal.SIGINT)
        return _exit_code(name, error, verbose)
    finally:
        if asked:
            _ask_again(0)


def check_working_folder() -> None:
    """UserError where the folder that the program was started in is gone: torch would abort the process there."""
    try:
        os.getcwd()
    except OSError as error:
        raise UserError("the working folder was deleted; wanted one that exists: go to another with cd") from error


def open_streams() -> None:
    """Makes standard output and error take any text, also where they are closed or their encoding lacks a letter."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as by 2>&-: else the next file to be opened would take its place
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _exit_code(name: str, error: BaseException, verbose: bool) -> int:
    """Says what went wrong. What is a fault of the program itself is raised."""
    if isinstance(error, BrokenPipeError):  # nobody reads on, as in `vistadream models | head -1`
        _silence()
        return 128 + _SIGPIPE
    if isinstance(error, OSError) and error.errno is not None and not verbose:
        error = system_error(error)
    if verbose or not isinstance(error, UserError):
        raise error
    _say(f"{name}: {error}")
    return error.exit_code


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _silence() -> None:
    """What is left in Python's buffer would fail once more at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _heard() -> list[int]:
    """Signals that were not set to be ignored, as nohup and a shell's background jobs do."""
    return [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


@contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _heard()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _leave(name: str, number: int, _: FrameType | None) -> None:
    _say(f"{name}: stopped")
    os._exit(128 + number)


def _stop(asked: list[int], number: int, _: FrameType | None) -> None:
    """Raises, and asks again after a while until the command has ended: code of others may swallow an exception."""
    asked.append(number)
    _ask_again(ASK_AGAIN_S, partial(_stop, asked))
    raise KeyboardInterrupt if asked[0] == signal.SIGINT else SystemExit(128 + asked[0])


@contextmanager
def _nothing_swallowed(asked: list[int]) -> Iterator[None]:
    """Asks again for a stop that was raised in a destructor or a callback from C, where Python prints and drops it."""
    earlier = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if asked and issubclass(unraisable.exc_type, (KeyboardInterrupt, SystemExit)):
            _ask_again(_SOON_S, partial(_stop, asked))
        else:
            earlier(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = earlier


def _ask_again(seconds: float, handler: Handler | None = None) -> None:
    """Has `handler` called after so long; 0 calls it off. Windows, which has no such timer, asks once."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
