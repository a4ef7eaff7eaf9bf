"""Reading JSON values one after another from a stream, without holding the whole text.

The standard library parses a complete text only. This reader keeps a window of bytes, lets the standard decoder parse
the value at its position, and looks further where the value does not end there.

Where objects of one form follow each other, as events do, there is a shorter way (`object_ends`): such bytes are never
made a text.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, NoReturn, cast

import msgspec

from video_export_worker.recording.object_ends import ObjectEnds

CHUNK_BYTES: Final = 2**20
FIRST_LOOK: Final = 2**14  # bytes of a value that are made a text before it is known how long it is
MOST_READ_ON: Final = 4 * 2**20  # bytes that are added at once to a value that has not ended yet
LONGEST_TOKEN: Final = 16  # characters of "-Infinity" or of an escape that may be cut at the text's end
LONGEST_CHARACTER: Final = 4  # bytes
_CUT_TOKEN: Final = re.compile(r"[\w\\.+-]*\s*\Z")
_STRUCTURE: Final = re.compile(rb'["\[\]{}]')
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
TOO_DEEP: Final = "nested too deeply: more than some 480 elements or lists are in each other, and a browser shows 400"
_WHITESPACE: Final = re.compile(rb"[ \t\r\n]*")


Check = Callable[[str | bytes, object], None]


class BrokenValue(Exception):
    """The value at the position is JSON that cannot be used; the reader stands behind it."""


class BrokenJson(Exception):
    """The text at the position is not JSON; the reader cannot tell where the next value begins.

    Attributes:
        cut_off: True if the text ends inside the value.
    """

    def __init__(self, reason: str, *, cut_off: bool = False) -> None:
        super().__init__(reason)
        self.cut_off = cut_off


class Place(NamedTuple):
    """A place in a text: its line, from 1, and its byte, from 0."""

    line: int
    byte: int

    def __str__(self) -> str:
        return f"line {self.line} (byte {self.byte})"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text:.30} is too large")
    return value


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_parse_finite)
# Accepts what the other refuses: it finds the end of a value that has to be skipped.
_SKIPPER: Final = json.JSONDecoder(parse_int=lambda _: 0)


def decode_json(text: str | bytes) -> Any:
    """Decode one complete JSON text.

    Raises:
        BrokenValue: if it is not JSON.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode("utf-8"))
    except ValueError as error:
        raise BrokenValue(f"not JSON: {error}") from error
    except RecursionError as error:
        raise BrokenValue("nested too deeply") from error


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces that are no larger than the window: a few bytes of a bomb are decompressed into many MiB."""
    for chunk in chunks:
        for start in range(0, len(chunk), CHUNK_BYTES):
            yield chunk[start : start + CHUNK_BYTES]


class JsonReader:
    """JSON values of a UTF-8 stream, in order. What is not UTF-8 is read as the replacement character, as browsers do.

    Args:
        chunks: The stream; a byte order mark is skipped.
        check: Told of the text of a value that does not end in the window yet, with its place, before more of it is
            read and decoded; it raises what it refuses.
        decode: How objects are decoded whose ends are known (`ObjectEnds`).

    Attributes:
        replaced: True once bytes were met that are not UTF-8.
        encoded: Text of the value that was read last, as UTF-8.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        check: Check = lambda text, place: None,
        decode: Callable[[bytes], Any] = msgspec.json.decode,
    ) -> None:
        self._chunks = _cut(chunks)
        self._check = check
        self._ends = ObjectEnds(decode)
        self.replaced = False
        self.encoded = b""
        self._data = b""
        self._pos = 0
        self._before = 0  # bytes that were dropped from the window
        self._begun = self._ended = False
        self._counted = self._lines = 0  # up to here, so many lines have ended
        self._look = self._next_look = FIRST_LOOK  # bytes of a value, and of the next one, that are made a text at once

    @property
    def place(self) -> Place:
        """Where the next value stands."""
        self._count()
        return Place(self._lines + 1, self._before + self._pos)

    def peek(self) -> str:
        """Return the next character that is not white space, or an empty string at the end."""
        while True:
            char = self._data[self._pos : self._pos + 1]
            if b" " < char < b"\x80":  # mostly
                return chr(char[0])
            match = _WHITESPACE.match(self._data, self._pos)
            self._pos = match.end() if match else self._pos
            if self._pos < len(self._data):
                return self._character()
            if not self._fill(1):
                return ""

    def take(self, expected: str) -> str:
        """Read one of the characters `expected`, which are ASCII.

        Raises:
            BrokenJson: if another character or the end follows.
        """
        char = self.peek()
        if not char:
            raise BrokenJson("the text ends early", cut_off=True)
        if char not in expected:
            raise BrokenJson(f"{' or '.join(expected)} expected instead of {char!r}")
        self._pos += 1
        return char

    def looks_like(self, pattern: re.Pattern[bytes], within: int) -> bool:
        """Tell whether the pattern matches the next bytes, at most that many."""
        return self._match(pattern, within) is not None

    def take_match(self, pattern: re.Pattern[bytes], within: int) -> re.Match[bytes] | None:
        """Read what the pattern matches, if it does within that many bytes."""
        match = self._match(pattern, within)
        if match:
            self._skip_to(match.end())
        return match

    def ahead(self, most: int) -> str:
        """Return the text of the next bytes, at most so many, without reading them."""
        if len(self._data) - self._pos < most:
            self._fill(most)
        return self._data[self._pos : self._pos + most].decode(errors="replace")

    def _match(self, pattern: re.Pattern[bytes], within: int) -> re.Match[bytes] | None:
        self.peek()
        if len(self._data) - self._pos < within:
            self._fill(within)
        return pattern.match(self._data, self._pos, self._pos + within)

    def value(self) -> Any:
        """Read the next value.

        Raises:
            BrokenValue: if it is no value that a browser would read; it is skipped.
            BrokenJson: if it is not JSON.
        """
        self.peek()
        found = self._ends.find(self._data, self._pos)
        if found is None and self._ends.knows and len(self._data) - self._pos < CHUNK_BYTES and self._fill(1):
            found = self._ends.find(self._data, self._pos)  # it may have been cut by the window's end
        if found is None:
            return self._read_value()
        self.encoded = found.encoded
        self._pos += len(found.encoded)
        return found.value

    def _read_value(self) -> Any:
        self._look, self._next_look = self._next_look, FIRST_LOOK
        while True:
            text, is_all = self._text()
            try:
                value, end = _DECODER.raw_decode(text)
            except json.JSONDecodeError as error:
                self._read_on(error, text, is_all)
            except ValueError as error:
                self._skip_value()
                raise BrokenValue(str(error)) from error
            except RecursionError as error:
                self._skip_nested()
                raise BrokenValue(TOO_DEEP) from error
            else:
                # A number at the text's end may go on behind it.
                if end < len(text) or not self._look_on(is_all, 1):
                    self.encoded = text[:end].encode()
                    self._ends.learn(self._data, self._pos, len(self.encoded), value)
                    self._next_look = max(FIRST_LOOK, 2 * len(self.encoded))
                    self._pos += len(self.encoded)
                    return value

    def skip_line(self) -> None:
        """Go to the start of the next line, or to the end."""
        while (end := self._data.find(b"\n", self._pos)) < 0:
            self._skip_to(len(self._data))
            if not self._fill(1):
                self._skip_to(len(self._data))
                return
        self._skip_to(end + 1)

    def skip_all(self) -> None:
        """Go to the end."""
        while self._fill(1):
            self._skip_to(len(self._data))
        self._skip_to(len(self._data))

    def _skip_value(self) -> None:
        while True:
            text, is_all = self._text()
            try:
                _, end = _SKIPPER.raw_decode(text)
            except json.JSONDecodeError as error:
                self._read_on(error, text, is_all)
            except RecursionError:
                self._skip_nested()
                return
            else:
                self._pos += len(text[:end].encode())
                return

    def _skip_nested(self) -> None:
        """Go to the end of a value that no decoder can follow: where its brackets are closed.

        Raises:
            BrokenJson: if they are not.
        """
        depth, at = 0, self._pos
        while True:
            token = _STRUCTURE.search(self._data, at)
            if token is None or (token[0] == b'"' and not _STRING.match(self._data, token.start())):
                self._check(self._data[self._pos :], self.place)
                at = (len(self._data) if token is None else token.start()) - self._pos
                if not self._fill(MOST_READ_ON):
                    raise BrokenJson(TOO_DEEP)
                continue
            if token[0] == b'"':
                at = cast("re.Match[bytes]", _STRING.match(self._data, token.start())).end()
                continue
            depth += 1 if token[0] in b"[{" else -1
            at = token.end()
            if depth == 0:
                self._skip_to(at)
                return

    def _character(self) -> str:
        byte = self._data[self._pos]
        if byte < 0x80:
            return chr(byte)
        if len(self._data) - self._pos < LONGEST_CHARACTER:
            self._fill(LONGEST_CHARACTER)
        return self._data[self._pos : self._pos + LONGEST_CHARACTER].decode(errors="replace")[0]

    def _text(self) -> tuple[str, bool]:
        """The beginning of what is in the window as text, and whether that is all of the window."""
        stop = min(self._pos + self._look, len(self._data))
        is_last = self._ended and stop == len(self._data)
        try:
            text, _ = codecs.utf_8_decode(memoryview(self._data)[self._pos : stop], "strict", is_last)
        except UnicodeDecodeError:
            self._replace()
            return self._text()
        return text, stop == len(self._data)

    def _replace(self) -> None:
        """Make the window UTF-8."""
        text, length = codecs.utf_8_decode(memoryview(self._data)[self._pos :], "replace", self._ended)
        self._data = self._data[: self._pos] + text.encode() + self._data[self._pos + length :]
        self.replaced = True

    def _read_on(self, error: json.JSONDecodeError, text: str, is_all: bool) -> None:
        """Look further if the value may only have been cut.

        Doubling the text keeps the work in proportion to it, up to the size that is added at once.
        """
        in_string = error.msg.startswith("Unterminated string")
        if in_string or error.pos >= len(text) - LONGEST_TOKEN:
            self._check(text, self.place)
            if self._look_on(is_all, min(self._look, MOST_READ_ON)):
                return
            in_token = _CUT_TOKEN.match(text, error.pos) is not None
            raise BrokenJson(error.msg, cut_off=in_string or in_token) from error
        raise BrokenJson(error.msg) from error

    def _look_on(self, is_all: bool, wanted: int) -> bool:
        """Make so many bytes more a text.

        Returns:
            False if there is nothing to add.
        """
        if is_all and not self._fill(wanted):
            return False
        self._look += wanted
        return True

    def _skip_to(self, end: int) -> None:
        """Go past what nobody decodes; a character that is cut by the window's end is left."""
        is_whole = self._ended or end < len(self._data)
        try:
            _, length = codecs.utf_8_decode(memoryview(self._data)[self._pos : end], "strict", is_whole)
        except UnicodeDecodeError:
            self.replaced = True
            length = end - self._pos
        self._pos += length

    def _fill(self, wanted: int) -> bool:
        """Drop what was read and add at least `wanted` bytes, fewer at the end.

        Returns:
            False if there was nothing to add.
        """
        if self._ended:
            return False
        self._count()
        pieces = [self._data[self._pos :]]
        added = 0
        while added < max(wanted, 1) and not self._ended:
            pieces.append(self._read())
            added += len(pieces[-1])
        self._data = b"".join(pieces)
        self._before += self._pos
        self._pos = self._counted = 0
        return added > 0

    def _count(self) -> None:
        self._lines += self._data.count(b"\n", self._counted, self._pos)
        self._counted = self._pos

    def _read(self) -> bytes:
        data = bytearray()
        least = CHUNK_BYTES if self._begun else max(CHUNK_BYTES, len(codecs.BOM_UTF8))
        for chunk in self._chunks:
            data += chunk
            if len(data) >= least:
                break
        else:
            self._ended = True
        read = bytes(data) if self._begun else bytes(data).removeprefix(codecs.BOM_UTF8)
        self._begun = True
        return read
