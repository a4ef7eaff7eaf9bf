"""What was hovered is matched by the rules of linked sheets."""

from __future__ import annotations

import time

import pytest

from video_export_worker.replay.answers import show_hover


@pytest.mark.parametrize(
    ("sheet", "shown"),
    [
        (b"a:hover>b{}", b"a:is(:hover, .\\:hover)>b{}"),
        (
            b"a:not(:hover),.x-hover:hover::after{}",
            b"a:not(:is(:hover, .\\:hover)),.x-hover:is(:hover, .\\:hover)::after{}",
        ),
        (b"@media (hover:hover) and (any-hover:hover){}", None),
        (b'.hover\\:hover,.a:hover-x{content:\':hover\';c:"\\":hover"} /* a:hover */ /* b:hover', None),
        (b"::-webkit-scrollbar-thumb:hover,::part(x):hover{}", None),
    ],
)
def test_what_is_hovered_is_matched_in_linked_sheets(sheet: bytes, shown: bytes | None) -> None:
    assert show_hover(sheet) == (sheet if shown is None else shown)


@pytest.mark.parametrize("piece", [b":hover", b"/*", b'"', b"'\\", b"::a(", b"::a:", b":hover\\"])
def test_no_sheet_takes_more_than_a_time_in_proportion_to_match(piece: bytes) -> None:
    began = time.process_time()
    show_hover(piece * (400_000 // len(piece)))
    assert time.process_time() - began < 1.0
