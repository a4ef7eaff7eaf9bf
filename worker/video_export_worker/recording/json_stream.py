"""Reading JSON values one after another from a stream, without holding the whole text.

The standard library parses a complete text only. This reader keeps a window of the text, lets the standard decoder
parse the value at its position, and reads on where the value does not end inside the window.

Where objects of one form follow each other, as events do, there is a shorter way (`object_ends`).
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, NoReturn, cast

from video_export_worker.recording.object_ends import ObjectEnds

CHUNK_BYTES: Final = 2**20
MOST_READ_ON: Final = 4 * 2**20  # characters that are added at once to a value that does not end in the window
LONGEST_TOKEN: Final = 16  # characters of "-Infinity" or of an escape that may be cut at the window's end
_CUT_TOKEN: Final = re.compile(r"[\w\\.+-]*\s*\Z")
_STRUCTURE: Final = re.compile(r'["\[\]{}]')
_STRING: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
TOO_DEEP: Final = "nested too deeply: more than some 480 elements or lists are in each other, and a browser shows 400"
_WHITESPACE: Final = re.compile(r"[ \t\r\n]*")


Check = Callable[[str, object], None]


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
    """JSON values of a UTF-8 stream, in order.

    Args:
        chunks: The stream; a byte order mark is skipped.
        check: Told of the text of a value that does not end in the window yet, with its place, before more of it is
            read and decoded; it raises what it refuses.

    Attributes:
        replaced: True once bytes were met that are not UTF-8.
    """

    def __init__(self, chunks: Iterator[bytes], check: Check = lambda text, place: None) -> None:
        self._chunks = _cut(chunks)
        self._check = check
        self._value: str | bytes = ""
        self._ends = ObjectEnds()
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("strict").decode
        self.replaced = False
        self._text = ""
        self._pos = 0
        self._ended = False
        self._counted = 0  # up to here, the text is in the next two
        self._bytes = 0
        self._lines = 0

    @property
    def encoded(self) -> bytes:
        """Text of the value that was read last, as UTF-8."""
        return self._value.encode() if isinstance(self._value, str) else self._value

    @property
    def place(self) -> Place:
        """Where the next value stands."""
        self._count()
        return Place(self._lines + 1, self._bytes)

    def peek(self) -> str:
        """Return the next character that is not white space, or an empty string at the end."""
        while True:
            match = _WHITESPACE.match(self._text, self._pos)
            self._pos = match.end() if match else self._pos
            if self._pos < len(self._text):
                return self._text[self._pos]
            if not self._fill(1):
                return ""

    def take(self, expected: str) -> str:
        """Read one of the characters `expected`.

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

    def looks_like(self, pattern: re.Pattern[str], within: int) -> bool:
        """Tell whether the pattern matches the next characters, at most that many."""
        return self._match(pattern, within) is not None

    def take_match(self, pattern: re.Pattern[str], within: int) -> re.Match[str] | None:
        """Read what the pattern matches, if it does within that many characters."""
        match = self._match(pattern, within)
        self._pos = match.end() if match else self._pos
        return match

    def ahead(self, most: int) -> str:
        """Return the next characters, at most so many, without reading them."""
        if len(self._text) - self._pos < most:
            self._fill(most)
        return self._text[self._pos : self._pos + most]

    def _match(self, pattern: re.Pattern[str], within: int) -> re.Match[str] | None:
        self.peek()
        if len(self._text) - self._pos < within:
            self._fill(within)
        return pattern.match(self._text, self._pos, self._pos + within)

    def value(self) -> Any:
        """Read the next value.

        Raises:
            BrokenValue: if it is no value that a browser would read; it is skipped.
            BrokenJson: if it is not JSON.
        """
        self.peek()
        if found := self._ends.find(self._text, self._pos):
            self._value = found.encoded
            self._pass(found.end, found.encoded)
            return found.value
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._pos)
            except json.JSONDecodeError as error:
                self._read_on(error)
            except ValueError as error:
                self._skip_value()
                raise BrokenValue(str(error)) from error
            except RecursionError as error:
                self._skip_nested()
                raise BrokenValue(TOO_DEEP) from error
            else:
                # A number at the window's end may go on behind it.
                if end < len(self._text) or not self._fill(1):
                    self._ends.learn(self._text, self._pos, value)
                    self._value = self._text[self._pos : end]
                    self._pos = end
                    return value

    def skip_line(self) -> None:
        """Go to the start of the next line, or to the end."""
        while (end := self._text.find("\n", self._pos)) < 0:
            self._pos = len(self._text)
            if not self._fill(1):
                return
        self._pos = end + 1

    def skip_all(self) -> None:
        """Go to the end."""
        self._pos = len(self._text)
        while self._fill(1):
            self._pos = len(self._text)

    def _skip_value(self) -> None:
        while True:
            try:
                _, self._pos = _SKIPPER.raw_decode(self._text, self._pos)
                return
            except json.JSONDecodeError as error:
                self._read_on(error)
            except RecursionError:
                self._skip_nested()
                return

    def _skip_nested(self) -> None:
        """Go to the end of a value that no decoder can follow: where its brackets are closed.

        Raises:
            BrokenJson: if they are not.
        """
        depth, at = 0, self._pos
        while True:
            token = _STRUCTURE.search(self._text, at)
            if token is None or (token[0] == '"' and not _STRING.match(self._text, token.start())):
                self._check(self._text[self._pos :], self.place)
                at = (len(self._text) if token is None else token.start()) - self._pos
                if not self._fill(MOST_READ_ON):
                    raise BrokenJson(TOO_DEEP)
                continue
            if token[0] == '"':
                at = cast("re.Match[str]", _STRING.match(self._text, token.start())).end()
                continue
            depth += 1 if token[0] in "[{" else -1
            at = token.end()
            if depth == 0:
                self._pos = at
                return

    def _read_on(self, error: json.JSONDecodeError) -> None:
        """Read more text if the value may only have been cut by the window.

        Doubling the window keeps the work in proportion to the text, up to the size that is added at once.
        """
        in_string = error.msg.startswith("Unterminated string")
        if in_string or error.pos >= len(self._text) - LONGEST_TOKEN:
            self._check(self._text[self._pos :], self.place)
            if self._fill(min(len(self._text) - self._pos, MOST_READ_ON)):
                return
            in_token = _CUT_TOKEN.match(self._text, error.pos) is not None
            raise BrokenJson(error.msg, cut_off=in_string or in_token) from error
        raise BrokenJson(error.msg) from error

    def _fill(self, wanted: int) -> bool:
        """Drop what was read and add at least `wanted` characters, fewer at the end.

        Returns:
            False if there was nothing to add.
        """
        if self._ended:
            return False
        self._count()
        pieces = [self._text[self._pos :]]
        added = 0
        while added < max(wanted, 1) and not self._ended:
            pieces.append(self._read())
            added += len(pieces[-1])
        self._text = "".join(pieces)
        self._pos = self._counted = 0
        return added > 0

    def _count(self) -> None:
        passed = self._text[self._counted : self._pos]
        self._counted = self._pos
        self._bytes += len(passed) if passed.isascii() else len(passed.encode("utf-8", "surrogatepass"))
        self._lines += passed.count("\n")

    def _pass(self, end: int, encoded: bytes) -> None:
        """Go behind a value whose text as UTF-8 is known."""
        self._count()
        self._bytes += len(encoded)
        self._lines += encoded.count(b"\n")
        self._pos = self._counted = end

    def _read(self) -> str:
        data = bytearray()
        for chunk in self._chunks:
            data += chunk
            if len(data) >= CHUNK_BYTES:
                break
        else:
            self._ended = True
        try:
            return self._decode(bytes(data), self._ended)
        except UnicodeDecodeError as error:
            # From here on as browsers do it: what is not UTF-8 is shown as the replacement character.
            self.replaced = True
            self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            return self._decode(error.object, self._ended)
