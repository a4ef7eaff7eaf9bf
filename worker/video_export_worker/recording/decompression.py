"""Streaming decompression within limits: gzip, zlib, zstd, brotli, base64, and the fields that recorders compress."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording import snappy
from video_export_worker.recording.foreign import ACCEPTED, name_bytes
from video_export_worker.recording.limits import Meter, Meters
from video_export_worker.recording.problems import BrokenEvent, Problems

MOST_LAYERS: Final = 3  # of compression: what is stored compressed may be compressed once more on its way
OUTPUT_BYTES: Final = 2**20  # decompressed at once
HEAD_BYTES: Final = 64
MAGIC_BYTES: Final = 512  # of other files, which are refused by their names
# The line that Sentry writes before each of its segments.
_SEGMENT_LINE: Final = re.compile(rb'\s*\{"segment_id":\s*\d{1,12}\}\s*')
_LONGEST_LINE: Final = 64

# Base64 of gzip, zlib, zstd, or of JSON itself, which databases and logs give out.
_BASE64: Final = re.compile(
    rb'\s*"?(?:H4sI|eJ[wxyz]|eN[or]|KLUv|W3si|WyI|W1[stw]|eyJ[0-9a-z]|Inhc|Intc)[A-Za-z0-9+/_-]{24,}'
)
_FOR_URLS: Final = bytes.maketrans(b"-_", b"+/")  # base64 has another alphabet in URLs

GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # zlib's way to ask for a gzip header
ZLIB_WINDOW: Final = zlib.MAX_WBITS
EITHER_WINDOW: Final = 32 + zlib.MAX_WBITS  # gzip or zlib, by the header
RAW_WINDOW: Final = -zlib.MAX_WBITS  # deflate without any header

SNAPPY_BYTES: Final = 2**25
SNAPPY_OUTPUT_BYTES: Final = 2**28

# The zstd binding has no bound for the output of a call. Four bytes of input can hold a block of 128 KiB, so this much
# input gives at most 16 MiB: what a bomb can use above the limit.
ZSTD_INPUT_BYTES: Final = 512
ZSTD_MAX_WINDOW: Final = 2**27  # the format's recommendation for decoders that protect themselves, and `zstd`'s default


def decompress(chunks: Iterable[bytes], meters: Meters, problems: Problems, name: str) -> Iterator[bytes]:
    """Yield the text of one file, whatever it is compressed with.

    The format is told from the first bytes; brotli has no magic number, so it is what remains when it is neither
    compressed otherwise nor text.

    Args:
        chunks: The file's bytes.
        meters: Counted against while reading.
        problems: Told of a file that is cut off.
        name: What messages call the file.

    Raises:
        RecordingInvalid: if the compressed data is corrupt.
        RecordingTooLarge: if a limit is passed.
    """
    text, head = iter(chunks), b""
    try:
        for layer in range(MOST_LAYERS):
            head, text = _take_head(text)
            if _BASE64.match(head) and not head.lstrip().startswith(b'"'):  # a string of JSON is looked into later
                head, text = _take_head(_unbase64(text))
            if foreign := name_bytes(head):
                raise RecordingInvalid(f"{name} is {foreign}; {ACCEPTED}")
            decoder = _detect(head)
            if decoder is None or (layer and decoder in _WITHOUT_MAGIC):
                break
            text = decoder(_metered(text, meters.compressed), lambda: _cut_off(problems, name))
        for chunk in text:
            meters.decompressed.add(len(chunk))
            if chunk:
                yield chunk
    except brotli.error as error:
        raise RecordingInvalid(
            f"{name} is neither JSON nor gzip, zlib, zstd or brotli: it starts with {_show(head)}; {ACCEPTED}"
        ) from error
    except snappy.BrokenSnappy as error:
        raise RecordingInvalid(f"{name} is corrupt (Snappy: {error}); upload it again") from error
    except binascii.Error as error:
        raise RecordingInvalid(f"{name} is no base64 to its end ({error}); upload it again") from error
    except (zlib.error, zstandard.ZstdError) as error:
        raise RecordingInvalid(f"{name} is corrupt ({error}); upload it again") from error


def inflate(text: str, window: int, meters: Meters) -> bytes:
    """Decompress a field: recorders keep compressed bytes in JSON as a string of the code points 0-255.

    Args:
        text: The field.
        window: `GZIP_WINDOW` or `ZLIB_WINDOW`.
        meters: Counted against.

    Raises:
        BrokenEvent: if it is not such a field.
        RecordingTooLarge: if the limit is passed.
    """
    decompressor = zlib.decompressobj(window)
    try:
        most = min(meters.decompressed.left, meters.limits.event_bytes)
        data = decompressor.decompress(text.encode("latin-1"), most + 1)
    except (zlib.error, UnicodeEncodeError) as error:
        raise BrokenEvent(f"its compressed data is corrupt ({error})") from error
    meters.decompressed.add(len(data))
    meters.check_event(data)
    if not decompressor.eof:
        raise BrokenEvent("its compressed data is cut off")
    return data


Decoder = Callable[[Iterator[bytes], Callable[[], None]], Iterator[bytes]]


def _detect(start: bytes) -> Decoder | None:
    head = start[:HEAD_BYTES]
    if head.startswith(b"\x1f\x8b"):
        return _gunzip
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
        return _unzstd
    if _is_zlib(_SEGMENT_LINE.sub(b"", head, count=1)):
        return _inflate_segments
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _read_utf16
    if _is_text(head):
        return None
    if snappy.is_block(start):
        return _unsnap
    return _inflate_raw if _is_raw_deflate(start) else _unbrotli


def _is_zlib(head: bytes) -> bool:
    return head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2]) % 31 == 0


def _is_raw_deflate(head: bytes) -> bool:
    """Tell whether these bytes inflate to the beginning of JSON; that they do by chance is one in thousands."""
    try:
        return zlib.decompressobj(RAW_WINDOW).decompress(head)[:2] in snappy.STARTS
    except zlib.error:
        return False


def _is_text(head: bytes) -> bool:
    """Tell whether these may be the first bytes of JSON or of another text.

    A brotli file may well begin with "[", but not go on without bytes that text cannot have.
    """
    if any(byte < 0x20 and byte not in b"\t\r\n" for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= HEAD_BYTES - 3  # only the last character is cut
    return True


def _take_head(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= MAGIC_BYTES:
            break

    def everything() -> Iterator[bytes]:
        yield head
        yield from chunks

    return head[:MAGIC_BYTES], everything()


def _metered(chunks: Iterator[bytes], meter: Meter) -> Iterator[bytes]:
    for chunk in chunks:
        meter.add(len(chunk))
        yield chunk


def _unbase64(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        text = rest + chunk.translate(_FOR_URLS, b" \t\r\n")
        whole = len(text) // 4 * 4
        rest = text[whole:]
        yield base64.b64decode(text[:whole], validate=True)
    yield base64.b64decode(rest + b"=" * (-len(rest) % 4), validate=True)


def _read_utf16(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")


def _inflate_raw(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    stream = zlib.decompressobj(RAW_WINDOW)
    for chunk in chunks:
        data = chunk
        while data and not stream.eof:
            yield stream.decompress(data, OUTPUT_BYTES)
            data = stream.unconsumed_tail
    if not stream.eof:
        cut_off()


def _unsnap(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    """Blocks are small: a server keeps some seconds of a session in each."""
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > SNAPPY_BYTES:
            raise snappy.BrokenSnappy(f"more than {SNAPPY_BYTES:,} bytes")
    yield snappy.decompress(bytes(data), SNAPPY_OUTPUT_BYTES)


def _gunzip(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    """Any number of gzip members; zero bytes behind the last are padding."""
    member = zlib.decompressobj(GZIP_WINDOW)
    fed = False
    for chunk in chunks:
        data = chunk
        while data:
            if member.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = zlib.decompressobj(GZIP_WINDOW)
            fed = True
            out = member.decompress(data, OUTPUT_BYTES)
            data = member.unused_data if member.eof else member.unconsumed_tail
            yield out
    while not member.eof and (out := member.decompress(member.unconsumed_tail, OUTPUT_BYTES)):
        yield out
    if fed and not member.eof:
        cut_off()


def _inflate_segments(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    """Any number of zlib streams, each with Sentry's line before it or without."""
    member: Any = None
    rest = b""
    for chunk in chunks:
        data, rest = rest + chunk, b""
        while data:
            if member is None or member.eof:
                data = _SEGMENT_LINE.sub(b"", data, count=1).lstrip(b"\0\n") if data[:1] != b"\x78" else data
                if data[:1] == b"{" and len(data) < _LONGEST_LINE:
                    rest, data = data, b""
                if not data:  # the line, or the space behind it, is not whole yet
                    break
                member = zlib.decompressobj(ZLIB_WINDOW)
                yield b"\n"
            yield member.decompress(data, OUTPUT_BYTES)
            data = member.unused_data if member.eof else member.unconsumed_tail
    if member is not None and not member.eof:
        cut_off()


def _unzstd(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    """Any number of zstd frames."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW)
    frame = decompressor.decompressobj()
    for chunk in chunks:
        for start in range(0, len(chunk), ZSTD_INPUT_BYTES):
            data = chunk[start : start + ZSTD_INPUT_BYTES]
            while data:
                if frame.eof:
                    frame = decompressor.decompressobj()
                yield frame.decompress(data)
                data = frame.unused_data if frame.eof else b""
    if not frame.eof:
        cut_off()


def _unbrotli(chunks: Iterator[bytes], cut_off: Callable[[], None]) -> Iterator[bytes]:
    decompressor = brotli.Decompressor()
    for chunk in chunks:
        if decompressor.is_finished():
            raise brotli.error("data behind the end of the stream")
        yield decompressor.process(chunk, output_buffer_limit=OUTPUT_BYTES)
        # Where the input ends inside of a block, the binding keeps output back even though it accepts more data.
        while not decompressor.is_finished() and (out := decompressor.process(b"", output_buffer_limit=OUTPUT_BYTES)):
            yield out
    if not decompressor.is_finished():
        cut_off()


# Told by what they are not: inside of other compression it may as well be a text with something broken.
_WITHOUT_MAGIC: Final = (_unsnap, _inflate_raw, _unbrotli)


def _cut_off(problems: Problems, name: str) -> None:
    problems.damage(name, "the compressed data is cut off, so the end of the recording is missing")


def _show(head: bytes) -> str:
    return repr(head[:16])[1:]
