"""The driver of a Ray cluster: keeps an actor on each place, and hands items to those that are ready."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any

from vistadream.batch.batch import Batch
from vistadream.batch.engines.handing import Handing
from vistadream.batch.engines.ray_hand import Hand, hired
from vistadream.batch.engines.ray_worker import TIRED
from vistadream.batch.knobs import Knobs
from vistadream.core import UserError
from vistadream.workers.cluster.places import places_of

_log = logging.getLogger("vistadream.batch")
_STAFF_S = 1.0
_STOP_S = 5.0
_YOUNG = 5
"""This many actors in a row that never answered are not an accident."""


class RayDriver:
    """Hands out the items of a batch until nothing is left, or until it is asked to end."""

    def __init__(self, ray: Any, batch: Batch, knobs: Knobs):
        """`ray` is the package, connected to a cluster."""
        self._ray, self._batch, self._knobs = ray, batch, knobs
        self._hands: dict[str, Hand] = {}
        self._handing = Handing()
        self._never_ready = 0
        self._next_staff_s = 0.0

    def drive(self) -> None:
        batch = self._batch
        try:
            while not batch.is_over() and not batch.is_draining:
                self._staff()
                self._hand_out()
                self._collect()
                batch.look()
            self._take_back()
            while batch.is_draining and not batch.is_stopped and not self._handing.is_idle():
                self._collect()
                batch.look()
        finally:
            self._dismiss()

    def _staff(self) -> None:
        """Has an actor on each place: the cluster may have grown or shrunk, and actors may have died."""
        if (now_s := time.monotonic()) < self._next_staff_s:
            return
        self._next_staff_s = now_s + _STAFF_S
        for hand in [hand for hand in self._hands.values() if hand.name in self._batch.queue.overdue]:
            self._lose(hand, "it does not end what it was asked to end")
        places = places_of(self._ray.nodes(), self._knobs.ray, self._knobs.workers)
        for hand in [hand for hand in self._hands.values() if hand.place not in places]:
            self._lose(hand, "its node is gone")
        taken = {hand.place for hand in self._hands.values()}
        for place in [place for place in places if place not in taken]:
            hand = hired(self._ray, place, self._batch.remote_words(self._knobs))
            self._hands[hand.name] = hand

    def _hand_out(self) -> None:
        queue = self._batch.queue
        for name, item in self._handing.next(queue.open_items(), queue.straggling()):
            hand = self._hands[name]
            hand.asked[hand.actor.work.remote(item.line())] = item.id

    def _collect(self) -> None:
        """Takes the answers that are here."""
        whose = {ref: hand for hand in self._hands.values() for ref in hand.open_calls()}
        answered = self._ray.wait(list(whose), num_returns=len(whose), timeout=0)[0] if whose else ()
        for ref in answered:
            if whose[ref].name in self._hands:  # not lost by an answer before
                self._take(whose[ref], ref)

    def _take(self, hand: Hand, ref: Any) -> None:
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayActorError as error:
            self._lose(hand, str(error))
            return
        except self._ray.exceptions.TaskCancelledError:
            answer = {"state": "interrupted"}
        except self._ray.exceptions.RayTaskError as error:  # such as a full disk: it is not the item's fault
            _log.warning("worker %s: %s", hand.name, error.cause)
            answer = {"state": "busy"}
        if ref == hand.ready:
            hand.ready, self._never_ready = None, 0
            self._handing.join(hand.name)
        else:
            self._heed(hand, hand.asked.pop(ref), answer["state"])

    def _heed(self, hand: Hand, id: str, state: str) -> None:
        self._handing.ended(hand.name, id, again=state not in ("done", "failed"))
        if state in TIRED:
            self._lose(hand, "it makes room for a fresh one")

    def _lose(self, hand: Hand, why: str) -> None:
        """Lets an actor go that is dead, or is to be replaced."""
        _log.warning("worker %s is lost (%s); its items go to others", hand.name, why.strip().partition("\n")[0])
        self._never_ready += hand.ready is not None
        del self._hands[hand.name]
        self._handing.lost(hand.name)
        self._kill(hand)
        self._batch.queue.worker_died(hand.name, None)
        if self._never_ready >= _YOUNG:
            raise UserError(
                f"{_YOUNG} workers in a row ended before they were ready, the last one: {why.strip()}; wanted "
                "vistadream on every node, and the folder of the batch at the same path there"
            )

    def _take_back(self) -> None:
        """Takes back the items that are handed out and not begun."""
        for hand in self._hands.values():
            for ref in list(hand.asked)[1:]:
                self._ray.cancel(ref)

    def _dismiss(self) -> None:
        """Interrupts what is under way, which the next start goes on with, and lets all actors go."""
        for hand in self._hands.values():
            with suppress(self._ray.exceptions.RayError):
                hand.actor.stop.options(concurrency_group="control").remote()
        asked = [ref for hand in self._hands.values() for ref in hand.asked]
        if asked:
            self._ray.wait(asked, num_returns=len(asked), timeout=_STOP_S)
        for hand in self._hands.values():
            self._kill(hand)

    def _kill(self, hand: Hand) -> None:
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(hand.actor)
