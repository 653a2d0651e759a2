"""Which results the cache has: in Redis, for several machines that share the disk. Values are JSON."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from vistadream.core import UserError
from vistadream.service.cache.entry import Entry
from vistadream.service.cache.index import IndexAwayError
from vistadream.service.cache.knobs import CachePlace

_log = logging.getLogger("vistadream.service")
_ENTRIES = "vistadream:cache"
_ANSWERS_WITHIN_S = 1.0
_WARN_EVERY_S = 60.0
_TRY_EVERY_S = 5.0
"""After an attempt that failed, nothing is asked for this long, so that no request waits for a server that is away."""


class RedisIndex:
    """An index in one hash of a Redis server, which may be away."""

    def __init__(self, url: str, password: str | None):
        """UserError where the package redis is not installed, or the URL cannot be read."""
        try:
            import redis
        except ModuleNotFoundError as error:
            raise UserError(
                "cache.index needs the package redis; wanted it installed: pip install 'vistadream[redis]'"
            ) from error
        limits = {"socket_timeout": _ANSWERS_WITHIN_S, "socket_connect_timeout": _ANSWERS_WITHIN_S}
        try:
            self._redis: Any = redis.Redis.from_url(url, password=password, **limits)
        except ValueError as error:
            raise UserError(f"cache.index={url}: {error}; wanted redis://HOST:PORT/NUMBER") from error
        self._errors = (redis.RedisError, OSError)
        self._next_try_s = self._next_warning_s = 0.0

    def get(self, key: str) -> Entry | None:
        with self._asking() as server:
            text = server.hget(_ENTRIES, key)
        entry = None if text is None else Entry.from_json(text)
        return entry if entry and entry.key == key else None

    def put(self, entry: Entry) -> None:
        with self._asking() as server:
            server.hset(_ENTRIES, entry.key, entry.to_json())

    def touch(self, key: str) -> None:
        if entry := self.get(key):
            self.put(replace(entry, used_s=time.time()))

    def remove(self, key: str) -> None:
        with self._asking() as server:
            server.hdel(_ENTRIES, key)

    def entries(self) -> list[Entry]:
        with self._asking() as server:
            texts = server.hgetall(_ENTRIES)
        found = [(key.decode("utf-8", "replace"), Entry.from_json(text)) for key, text in texts.items()]
        own = [entry for key, entry in found if entry and entry.key == key]
        return sorted(own, key=lambda entry: entry.used_s)

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        now = time.monotonic()
        if now < self._next_try_s:
            raise IndexAwayError
        try:
            yield self._redis
        except self._errors as error:
            self._next_try_s = now + _TRY_EVERY_S
            if now >= self._next_warning_s:
                self._next_warning_s = now + _WARN_EVERY_S
                _log.warning("the index of the cache does not answer (%s): jobs are run until it does", error)
            raise IndexAwayError from error


def password_of(place: CachePlace) -> str | None:
    """The password that an environment variable or a file holds; UserError where it is not there."""
    if place.password_env is not None:
        if not (password := os.environ.get(place.password_env)):
            name = place.password_env
            raise UserError(f"cache.password_env={name}: there is no such variable; wanted one with the password")
        return password
    if place.password_file is None:
        return None
    try:
        return place.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cache.password_file={place.password_file} cannot be read; wanted a file of text") from error
