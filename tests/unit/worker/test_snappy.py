"""Snappy blocks: what is none is refused, and never more comes out than is allowed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.recording.snappy import BrokenSnappy, decompress, is_block

ELEMENTS = st.one_of(
    st.binary(min_size=1, max_size=60).map(lambda data: bytes([(len(data) - 1) << 2]) + data),
    st.tuples(st.integers(4, 11), st.integers(0, 2047)).map(
        lambda copy: bytes([(copy[0] - 4) << 2 | 1 | (copy[1] >> 8) << 5, copy[1] & 255])
    ),
    st.tuples(st.integers(1, 64), st.integers(0, 65535)).map(
        lambda copy: bytes([(copy[0] - 1) << 2 | 2]) + copy[1].to_bytes(2, "little")
    ),
)


@given(
    st.one_of(
        st.binary(), st.tuples(st.integers(0, 127), st.lists(ELEMENTS)).map(lambda b: bytes([b[0]]) + b"".join(b[1]))
    )
)
def test_anything_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BrokenSnappy):
        assert len(decompress(data, 1000)) <= 1000
    is_block(data)


def test_a_copy_may_overlap_with_what_it_writes() -> None:
    """As the format's description has it: "xababab" is a literal and a copy of four bytes from two before."""
    block = bytes([7, (3 - 1) << 2]) + b"xab" + bytes([(4 - 4) << 2 | 1, 2])
    assert decompress(block, 100) == b"xababab"


@pytest.mark.parametrize("block", [b"\xff\xff\xff\xff\x0f\x00a", b"\x05\x00a", b"\x04\x00a\x0d\x01\x00", b"\x80"])
def test_a_block_that_lies_is_refused(block: bytes) -> None:
    with pytest.raises(BrokenSnappy):
        decompress(block, 10**6)
