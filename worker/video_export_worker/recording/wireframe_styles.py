"""Styles of wireframes as CSS."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from video_export_worker.recording.events import is_number

IMAGE_TYPES: Final = {
    "iVBOR": "png",
    "/9j/": "jpeg",
    "UklGR": "webp",
    "R0lG": "gif",
}  # by the first characters of base64
PLACEHOLDER: Final = (
    "background:#e3e6ea;color:#56606b;font:12px sans-serif;overflow:hidden;"
    "display:flex;align-items:center;justify-content:center;"
)

_PLAIN: Final = re.compile(r"[#\w(),.%\s-]{1,100}")  # what colours and names of fonts are made of
_NUMBER: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?:px)?\s*")
_COLOURS: Final = {"color": "color", "backgroundColor": "background-color"}
_LENGTHS: Final = {
    "fontSize": "font-size",
    "paddingLeft": "padding-left",
    "paddingRight": "padding-right",
    "paddingTop": "padding-top",
    "paddingBottom": "padding-bottom",
}
_DOWN: Final = {"top": "flex-start", "center": "center", "bottom": "flex-end"}
_ACROSS: Final = {"left": "flex-start", "center": "center", "right": "flex-end"}
_TEXT: Final = {"left": "left", "center": "center", "right": "right"}


def place_at(wireframe: Mapping[str, Any]) -> str:
    """Where a wireframe is on the screen, and how large; a width that is missing is the screen's."""
    sides = [f"{name}:{_length(wireframe.get(key)) or '0'}" for name, key in (("left", "x"), ("top", "y"))]
    if "bottom" in wireframe:
        sides[1] = "bottom:0"
    width = _length(wireframe.get("width")) or "100vw"
    height = _length(wireframe.get("height"))
    return f"position:fixed;box-sizing:border-box;{';'.join(sides)};width:{width};" + (
        f"height:{height};" if height else ""
    )


def describe_style(wireframe: Mapping[str, Any]) -> str:
    """The style of a wireframe; what is not known or not plain is left out."""
    style = wireframe.get("style", wireframe.get("styles"))
    if not isinstance(style, dict):
        return ""
    rules = [f"{name}:{style[key]}" for key, name in _COLOURS.items() if _is_plain(style.get(key))]
    rules += [f"{name}:{length}" for key, name in _LENGTHS.items() if (length := _length(style.get(key)))]
    if _is_plain(style.get("fontFamily")):
        rules.append(f"font-family:{style['fontFamily']},sans-serif")
    rules += [*_describe_border(style), *_describe_picture(style), *_describe_alignment(style)]
    return "".join(f"{rule};" for rule in rules)


def _describe_border(style: Mapping[str, Any]) -> list[str]:
    rules = []
    if radius := _length(style.get("borderRadius")):
        rules.append(f"border-radius:{radius}")
    if width := _length(style.get("borderWidth")):
        colour = style["borderColor"] if _is_plain(style.get("borderColor")) else "currentcolor"
        rules.append(f"border:{width} solid {colour}")
    return rules


def _describe_picture(style: Mapping[str, Any]) -> list[str]:
    picture = style.get("backgroundImage")
    if not isinstance(picture, str) or not re.fullmatch(r"[\w+/=\s:;,-]+", picture):
        return []
    kind = next((kind for start, kind in IMAGE_TYPES.items() if picture.startswith(start)), "png")
    url = picture if picture.startswith("data:image/") else f"data:image/{kind};base64,{''.join(picture.split())}"
    size = style.get("backgroundSize")
    size = size if size in ("contain", "cover", "auto") else "auto"
    return [f'background-image:url("{url}")', f"background-size:{size}", "background-repeat:no-repeat"]


def _describe_alignment(style: Mapping[str, Any]) -> list[str]:
    down, across = (str(style.get(name)) for name in ("verticalAlign", "horizontalAlign"))
    rules = []
    if down in _DOWN:
        rules.append(f"align-items:{_DOWN[down]}")
    if across in _ACROSS:
        rules += [f"justify-content:{_ACROSS[across]}", f"text-align:{_TEXT[across]}"]
    return ["display:flex", *rules] if rules else []


def _length(value: Any) -> str | None:
    """A length in CSS pixels, or of the screen's width; None if it is neither."""
    if value == "100vw":
        return "100vw"
    if is_number(value):
        return f"{value:g}px"
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return f"{match[1]}px" if match else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None
