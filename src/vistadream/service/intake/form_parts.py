"""The parts of multipart/form-data as the parser meets them: texts into memory, one file to disk, with its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.multipart import parse_options_header

from vistadream.service.problems import ProblemError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_LONGEST_TEXT = 64 << 10
_MOST_TEXTS = 15


@dataclass
class Upload:
    """A file that a request sent, or named."""

    file_name: str
    """The name that the client gave it, which is never a path here."""
    path: Path
    file_bytes: int = 0
    sha256: str = ""
    """In hexadecimal digits."""


@dataclass
class Form:
    """What a request sent."""

    texts: dict[str, str] = field(default_factory=dict)
    files: list[Upload] = field(default_factory=list)

    @property
    def file(self) -> Upload | None:
        """The only file, if there is one."""
        return self.files[0] if self.files else None


class Parts:
    """The parts of a body, as the parser meets them."""

    def __init__(self, target: Path, most_files: int = 1):
        """The first file goes to `target`, the others to names that begin with that one."""
        self._target, self._most_files, self._form, self._digest = target, most_files, Form(), hashlib.sha256()
        self._file: BinaryIO | None = None
        self._header: dict[str, bytearray] = {}
        self._headers: dict[bytes, bytes] = {}
        self._text, self._name, self._count, self.is_whole = bytearray(), "", 0, False

    def callbacks(self) -> MultipartCallbacks:
        """The methods that the parser calls."""
        return {
            "on_part_begin": self.part_begin,
            "on_header_field": self.header_field,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_headers_finished": self.headers_finished,
            "on_part_data": self.part_data,
            "on_part_end": self.part_end,
            "on_end": self.end,
        }

    def form(self) -> Form:
        """All that was read."""
        return self._form

    def close(self) -> None:
        """Closes the file of a part that did not end."""
        if self._file:
            self._file.close()

    def end(self) -> None:
        self.is_whole = True

    def part_begin(self) -> None:
        self._count += 1
        if self._count > _MOST_TEXTS + self._most_files:
            raise ProblemError(400, f"the body has too many parts; wanted at most {_MOST_TEXTS + self._most_files}")
        self._headers, self._header, self._text = {}, {"name": bytearray(), "value": bytearray()}, bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header["name"] += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._header["value"] += data[start:end]

    def header_end(self) -> None:
        self._headers[bytes(self._header["name"]).lower()] = bytes(self._header["value"])
        self._header = {"name": bytearray(), "value": bytearray()}

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file":
            self._begin_file(options.get(b"filename", b"").decode("utf-8", "replace"))
        elif self._name in self._form.texts:
            raise ProblemError(400, f"the part {self._name} occurs twice; wanted each part once")

    def _begin_file(self, name: str) -> None:
        count = len(self._form.files)
        if count == self._most_files:
            many = "two files; wanted one picture" if count == 1 else f"more than {count} files; wanted fewer"
            raise ProblemError(400, f"the body has {many} in the part file")
        path = self._target.with_name(f"{self._target.name}{count}") if count else self._target
        self._form.files.append(Upload(name, path))
        self._file, self._digest = path.open("xb"), hashlib.sha256()

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file:
            self._file.write(data[start:end])
            self._digest.update(data[start:end])
            self._form.files[-1].file_bytes += end - start
        elif len(self._text) + end - start > _LONGEST_TEXT:
            raise ProblemError(413, f"the part {self._name} is too long; wanted at most {_LONGEST_TEXT} bytes")
        else:
            self._text += data[start:end]

    def part_end(self) -> None:
        if self._file:
            self._file.close()
            self._file, self._form.files[-1].sha256 = None, self._digest.hexdigest()
            return
        try:
            self._form.texts[self._name] = self._text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ProblemError(400, f"the part {self._name} is not UTF-8; wanted text") from error
