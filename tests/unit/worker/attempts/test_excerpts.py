"""Excerpts keep the head and the tail of a text, within a number of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.attempts.excerpts import excerpt


def test_a_short_text_stays_as_it_is() -> None:
    assert excerpt("why ä", 100) == "why ä"


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    said = excerpt("load: it failed" + " at a.js" * 100_000 + " the end", 300)
    assert said.startswith("load: it failed at a.js")
    assert "[... 800,023 bytes in all ...]" in said
    assert said.endswith("at a.js the end")


@given(st.text(st.characters(), min_size=1), st.integers(1, 500), st.integers(101, 400))
def test_it_is_never_longer_than_the_limit(part: str, times: int, limit: int) -> None:
    assert len(excerpt(part * times, limit).encode()) <= limit
