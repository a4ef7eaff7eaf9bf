"""What moves on a page by itself, told from an event's text: enough for an estimate of work, not for a picture."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Motion(IntEnum):
    """A kind of content that changes without events."""

    ANIMATION = 0
    TRANSITION = 1
    SMIL = 2
    PICTURE = 3
    CLIP = 4
    CANVAS = 5


# What the text of a snapshot or of a change holds where it brings such content.
_SIGNS: Final[dict[Motion, tuple[bytes, ...]]] = {
    Motion.ANIMATION: (b"keyframes ", b'"marquee"'),
    Motion.TRANSITION: (b"transition",),
    Motion.SMIL: (b'"animate', b'"set"'),
    Motion.PICTURE: (b"data:image/gif", b"data:image/webp", b"data:image/apng"),
    Motion.CLIP: (b'"video"', b'"audio"'),
}


def find_motion(text: bytes) -> list[Motion]:
    """List the kinds of moving content that an event's text names; an animation that ends counts as a transition."""
    found = {kind for kind, signs in _SIGNS.items() if any(sign in text for sign in signs)}
    if Motion.ANIMATION in found and b"infinite" not in text and b'"marquee"' not in text:
        found = found - {Motion.ANIMATION} | {Motion.TRANSITION}
    return sorted(found)
