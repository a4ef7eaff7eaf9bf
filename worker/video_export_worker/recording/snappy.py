"""Snappy blocks, as PostHog's servers store sessions: https://github.com/google/snappy/blob/main/format_description.txt."""

from __future__ import annotations

from typing import Final

STARTS: Final = (b'["', b"[{", b'{"', b"[[", b'"{', b'"x')  # of JSON that holds events
LONGEST_VARINT: Final = 5
MOST_TIMES: Final = 64  # of its compressed size: a copy of three bytes gives at most 64


class BrokenSnappy(ValueError):
    """It is no Snappy block, or is cut off."""


def is_block(head: bytes) -> bool:
    """Tell whether these bytes begin a block of JSON: its length, and a literal that begins as JSON does."""
    try:
        length, at = _read_varint(head, 0)
    except BrokenSnappy:
        return False
    if not length or at >= len(head) or head[at] & 3:
        return False
    text = at + 1 + max(0, (head[at] >> 2) - 59)
    return head[text : text + 2] in STARTS


def decompress(data: bytes, most: int) -> bytes:
    """Decompress blocks that stand one after the other.

    Args:
        data: All of them.
        most: Bytes that may come out.

    Raises:
        BrokenSnappy: they are none, or would be larger.
    """
    out, at = bytearray(), 0
    while at < len(data):
        length, at = _read_varint(data, at)
        stop = len(out) + length
        if stop > most or length > MOST_TIMES * (len(data) - at):
            raise BrokenSnappy(f"a block says that it has {length:,} bytes")
        start = len(out)
        while len(out) < stop:
            at = _read_element(data, at, out, start)
        if len(out) != stop:
            raise BrokenSnappy("a block is longer than it says")
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(data[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, at + count + 1
    raise BrokenSnappy("no length")


def _read_element(data: bytes, at: int, out: bytearray, start: int) -> int:
    """Read a literal or a copy; where the next one begins."""
    if at >= len(data):
        raise BrokenSnappy("it is cut off")
    tag = data[at]
    kind, size = tag & 3, tag >> 2
    at += 1
    if kind == 0:
        extra = max(0, size - 59)
        length = int.from_bytes(data[at : at + extra], "little") + 1 if extra else size + 1
        at += extra
        if at + length > len(data):
            raise BrokenSnappy("it is cut off")
        out += data[at : at + length]
        return at + length
    if kind == 1:
        length, offset, taken = (size & 7) + 4, (tag >> 5) << 8 | (data[at] if at < len(data) else 0), 1
    else:
        taken = 2 if kind == 2 else 4
        length, offset = size + 1, int.from_bytes(data[at : at + taken], "little")
    _copy(out, offset, length, start)
    return at + taken


def _copy(out: bytearray, offset: int, length: int, start: int) -> None:
    begin = len(out) - offset
    if not offset or begin < start:
        raise BrokenSnappy("a copy of what is not there")
    part = out[begin : begin + length]
    while len(part) < length:  # it overlaps with what it writes
        part += part[: length - len(part)]
    out += part
