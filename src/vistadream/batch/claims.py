"""Who works on which item: a folder that is made, or taken over by renaming it.

A claim is the folder work/ID.NUMBER. Whoever makes it has the item; whoever renames it to the next number has taken it
over, with all finished stages, and whatever the earlier worker still writes below the old name fails.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO

from vistadream.batch.claim import Claim, Worker, beat_file, is_free, open_anew, owner_of, sign
from vistadream.batch.folder import BatchFolder
from vistadream.batch.history import death_of, let_go, note
from vistadream.batch.liveness import Liveness, try_lock_of, unlock
from vistadream.batch.marks import clear_marks
from vistadream.batch.quarantine import Attempt

_GONE = (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ESTALE)


class Claims:
    """The claims of one batch as one worker sees and makes them."""

    def __init__(
        self, folder: BatchFolder, me: Worker, dead_after_s: float = 120, now_s: Callable[[], float] = time.monotonic
    ):
        self._folder, self._me = folder, me
        self._liveness = Liveness(me.node, dead_after_s, now_s)

    def there(self) -> dict[str, list[int]]:
        """The numbers of the claims of each item, in order."""
        try:
            names = os.listdir(self._folder.work)
        except FileNotFoundError:
            return {}
        self._liveness.forget_but(set(names))
        found: dict[str, list[int]] = {}
        for name in names:
            id, _, number = name.rpartition(".")
            if id and number.isdigit():
                found.setdefault(id, []).append(int(number))
        return {id: sorted(numbers) for id, numbers in found.items()}

    def take(self, id: str, there: Sequence[int] = ()) -> Claim | None:
        """The item, new, or left by somebody who let it go or died; None where somebody works on it.

        `there`: the numbers of the item's claims, as `there()` says.
        """
        if not there:
            return self.begin(id, 1)
        return self.take_free(id, there[-1]) or self.take_over(id, there[-1])

    def begin(self, id: str, number: int) -> Claim | None:
        """A new claim of that number; None where there is one of this number, or of a later one."""
        folder = self._folder.attempt(id, number)
        try:
            folder.mkdir()
        except (FileExistsError, FileNotFoundError):  # without the folder above, the disk is not there
            return None
        if self.there().get(id, [number])[-1] > number:  # it was taken over in between
            folder.rmdir()
            return None
        return self._mine(id, number, try_lock_of(folder, number)[1])

    def take_free(self, id: str, number: int) -> Claim | None:
        """A claim that was let go, with all that it holds; None where it was not."""
        return self._renamed(id, number, None) if is_free(self._folder.attempt(id, number)) else None

    def take_over(self, id: str, number: int) -> Claim | None:
        """A claim whose worker is dead, with all that it holds; None where it lives, or has let it go."""
        old = self._folder.attempt(id, number)
        if is_free(old) or not self._liveness.is_dead(old, number):
            return None
        return self._renamed(id, number, death_of(old, id, number))

    def _renamed(self, id: str, number: int, died: Attempt | None) -> Claim | None:
        """The claim under the next number, with a note of who died; None where somebody was faster."""
        old, new = self._folder.attempt(id, number), self._folder.attempt(id, number + 1)
        is_mine, lock = try_lock_of(old, number + 1)
        if not is_mine:
            return None
        try:
            os.rename(old, new)
        except OSError as error:
            unlock(lock)
            if error.errno not in _GONE:
                raise
            return None
        if died:
            note(new, died)
        beat_file(new, number).unlink(missing_ok=True)
        open_anew(new, id)
        clear_marks(new)
        return self._mine(id, number + 1, lock)

    def holds(self, claim: Claim) -> bool:
        """Whether a claim is still this process's own. A disk that is away as a whole has not been taken over."""
        return claim.is_there() or not self._folder.batch_json.exists()

    def settle(self, claim: Claim, ended: Attempt) -> None:
        """Lets the item go for another attempt, with what is finished of it."""
        with suppress(OSError):  # the claim is gone, or the disk is full
            let_go(claim.folder, ended)
        unlock(claim.lock)

    def drop(self, claim: Claim) -> None:
        """Removes the claim of an item that is published or given up."""
        shutil.rmtree(claim.folder, ignore_errors=True)
        unlock(claim.lock)

    def remove(self, id: str) -> None:
        """Removes all claims of an item that is settled."""
        for number in self.there().get(id, ()):
            shutil.rmtree(self._folder.attempt(id, number), ignore_errors=True)

    def owners(self) -> set[str]:
        """The names of all workers that have claims."""
        claims = [self._folder.attempt(id, number) for id, numbers in self.there().items() for number in numbers]
        return {str(owner["name"]) for claim in claims if "name" in (owner := owner_of(claim))}

    def bury(self, worker: str, signal: int | None) -> list[tuple[str, int]]:
        """Lets go what a worker had that is known to be dead, killed by that signal: ids and numbers of its claims."""
        found = []
        for id, numbers in self.there().items():
            for number in numbers:
                folder = self._folder.attempt(id, number)
                if owner_of(folder).get("name") == worker:
                    with suppress(OSError):  # somebody has taken it over
                        let_go(folder, death_of(folder, id, number, signal))
                        found.append((id, number))
        return found

    def _mine(self, id: str, number: int, lock: IO[bytes] | None) -> Claim | None:
        claim = Claim(id, number, self._folder.attempt(id, number), lock)
        try:
            sign(claim.folder, self._me)
            claim.beat()
        except FileNotFoundError:
            unlock(lock)
            return None
        return claim
