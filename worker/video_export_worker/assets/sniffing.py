"""What a file is, by its bytes: only images, fonts, style sheets and media are kept.

After the WHATWG's MIME Sniffing standard, for the types that Chromium shows.
"""

from __future__ import annotations

import re
from typing import Final

HEAD: Final = 4096  # bytes that are looked at
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OTTO", "font/otf"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"true", "font/ttf"),
    (b"ttcf", "font/collection"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
)
_SVG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?+\s*+(?:<\?[^>]*+>\s*+|<!--(?:[^-]|-(?!->))*+-->\s*+|<!DOCTYPE[^>\[]*+(?:\[[^\]]*+\][^>]*+)?>\s*+)*+<svg[\s>]",
    re.IGNORECASE,
)
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?+\s*+<(?:!doctype|html|head|body|script|\?xml|!--)", re.IGNORECASE)
_SHEET_TYPES: Final = ("text/css",)
_VAGUE_TYPES: Final = ("", "text/plain", "application/octet-stream", "binary/octet-stream", "application/x-css")


def sniff(data: bytes, declared: str, *, may_be_sheet: bool) -> str | None:
    """Tell the media type of a file, or None if it is nothing that a page shows.

    Args:
        data: the file.
        declared: what the server said it is.
        may_be_sheet: a page uses it as a style sheet. Those have no signature, so the server's word counts.
    """
    head = data[:HEAD]
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        brands = head[8 : 8 + 64]
        return "image/avif" if b"avif" in brands or b"avis" in brands else "video/mp4"
    if _SVG.match(head):
        return "image/svg+xml"
    declared = declared.partition(";")[0].strip().lower()
    is_text = b"\x00" not in head and not _MARKUP.match(head)
    if may_be_sheet and is_text and declared in (*_SHEET_TYPES, *_VAGUE_TYPES):
        return "text/css"
    return None


def is_animated(data: bytes, kind: str) -> bool:
    """Whether a picture moves by itself."""
    if kind == "image/gif":
        return _counts_two_frames(data)
    marks = {"image/png": b"acTL", "image/webp": b"ANIM", "image/avif": b"avis"}
    return kind in marks and marks[kind] in data[:HEAD]


def _counts_two_frames(gif: bytes) -> bool:
    def palette(flags: int) -> int:
        return 3 << ((flags & 7) + 1) if flags & 0x80 else 0

    def skip_blocks(at: int) -> int:
        while at < len(gif) and gif[at]:
            at += gif[at] + 1
        return at + 1

    if len(gif) < 13:
        return False
    at, frames = 13 + palette(gif[10]), 0
    while at + 9 < len(gif) and frames < 2:
        if gif[at] == 0x21:
            at = skip_blocks(at + 2)
        elif gif[at] == 0x2C:
            frames += 1
            at = skip_blocks(at + 11 + palette(gif[at + 9]))
        else:
            break
    return frames > 1
