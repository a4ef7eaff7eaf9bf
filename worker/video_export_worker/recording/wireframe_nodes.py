"""Nodes of a page for the wireframes of PostHog's mobile recorders, kind by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from video_export_worker.recording.events import is_number
from video_export_worker.recording.schema import NodeType
from video_export_worker.recording.wireframe_styles import IMAGE_TYPES, PLACEHOLDER, describe_style, place_at

Node = dict[str, Any]
Wireframe = Mapping[str, Any]

MOST_STARS: Final = 20  # of a rating
_PLAIN_INPUTS: Final = frozenset({"text", "password", "email", "number", "search", "tel", "url"})


def build_node(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    """Build the node of a wireframe, without the wireframes in it; kinds that are not known are labelled boxes.

    Args:
        wireframe: What was recorded.
        node_id: Its id.
        ids: Of nodes that no wireframe has, such as its text.
    """
    return _BUILDERS.get(str(wireframe.get("type", "div")), _build_placeholder)(wireframe, node_id, ids)


def build_element(tag: str, node_id: int, style: str, **attributes: Any) -> Node:
    """Build an empty element."""
    given = {"style": style, **attributes} if style else attributes
    return {"type": NodeType.ELEMENT, "tagName": tag, "attributes": given, "childNodes": [], "id": node_id}


def _text(content: Any, ids: Iterator[int]) -> list[Node]:
    if not isinstance(content, str | int | float) or isinstance(content, bool):
        return []
    return [{"type": NodeType.TEXT, "textContent": str(content), "id": next(ids)}]


def _build_box(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    return build_element("div", node_id, place_at(wireframe) + describe_style(wireframe))


def _build_text(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    node = build_element(
        "div", node_id, place_at(wireframe) + "overflow:hidden;white-space:pre-wrap;" + describe_style(wireframe)
    )
    node["childNodes"] = _text(wireframe.get("text"), ids)
    return node


def _build_image(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    picture = wireframe.get("base64")
    if not isinstance(picture, str) or not picture:
        return _build_placeholder({"label": "image", **wireframe}, node_id, ids)
    style = place_at(wireframe) + "object-fit:fill;" + describe_style(wireframe)
    return build_element("img", node_id, style, src=_as_url(picture))


def _as_url(picture: str) -> str:
    """A data URL of a picture in base64, whose kind is told from its first characters."""
    if picture.startswith("data:"):
        return picture
    kind = next((kind for start, kind in IMAGE_TYPES.items() if picture.startswith(start)), "png")
    return f"data:image/{kind};base64,{''.join(picture.split())}"


def _build_placeholder(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    """A neutral box with a label: what a recorder did not look into."""
    label = wireframe.get("label", wireframe.get("url", wireframe.get("type")))
    node = build_element("div", node_id, place_at(wireframe) + PLACEHOLDER + describe_style(wireframe))
    node["childNodes"] = _text(label, ids)
    return node


def _build_bar(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    """The status bar, or the navigation bar: their own look is the system's and is not recorded."""
    return build_element("div", node_id, place_at(wireframe) + describe_style(wireframe))


def _build_input(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    kind = str(wireframe.get("inputType", "text"))
    build = _INPUTS.get(kind, _build_field)
    node = build(wireframe, node_id, ids)
    if wireframe.get("disabled") is True:
        node["attributes"]["disabled"] = True
    return node


def _build_field(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    kind = str(wireframe.get("inputType"))
    style = place_at(wireframe) + "box-sizing:border-box;" + describe_style(wireframe)
    node = build_element("input", node_id, style, type=kind if kind in _PLAIN_INPUTS else "text")
    if isinstance(wireframe.get("value"), str | int | float):
        node["attributes"]["value"] = str(wireframe["value"])
    return node


def _build_area(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    style = place_at(wireframe) + "box-sizing:border-box;resize:none;" + describe_style(wireframe)
    node = build_element("textarea", node_id, style)
    node["childNodes"] = _text(wireframe.get("value"), ids)
    return node


def _build_button(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    node = build_element(
        "button", node_id, place_at(wireframe) + "padding:0;" + describe_style(wireframe), type="button"
    )
    node["childNodes"] = _text(wireframe.get("value"), ids)
    return node


def _build_select(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    node = build_element("select", node_id, place_at(wireframe) + describe_style(wireframe))
    options = wireframe.get("options")
    chosen = wireframe.get("value")
    names = [*options] if isinstance(options, list) else []
    for name in names if chosen in names or chosen is None else [chosen, *names]:
        option = build_element("option", next(ids), "", **({"selected": True} if name == chosen else {}))
        option["childNodes"] = _text(name, ids)
        node["childNodes"].append(option)
    return node


def _build_choice(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    """A checkbox, a radio button or a switch, with its label beside it."""
    kind = "radio" if wireframe.get("inputType") == "radio" else "checkbox"
    node = build_element(
        "div", node_id, place_at(wireframe) + "display:flex;align-items:center;" + describe_style(wireframe)
    )
    checked = {"checked": True} if wireframe.get("checked") is True else {}
    switch = "width:34px;height:20px;" if wireframe.get("inputType") == "toggle" else ""
    disabled = {"disabled": True} if wireframe.get("disabled") is True else {}
    mark = build_element("input", next(ids), "margin:0 6px 0 0;" + switch, type=kind, **checked, **disabled)
    node["childNodes"] = [mark, *_text(wireframe.get("label"), ids)]
    return node


def _build_progress(wireframe: Wireframe, node_id: int, ids: Iterator[int]) -> Node:
    style = wireframe.get("style")
    value: Any = wireframe.get("value")
    most: Any = wireframe.get("max")
    if isinstance(style, dict) and style.get("bar") == "rating" and is_number(value):
        node = build_element("div", node_id, place_at(wireframe) + "white-space:nowrap;" + describe_style(wireframe))
        stars = max(0, min(int(most), MOST_STARS)) if is_number(most) else 5
        filled = max(0, min(int(value), stars))
        node["childNodes"] = _text("\N{BLACK STAR}" * filled + "\N{WHITE STAR}" * (stars - filled), ids)
        return node
    amounts = {"value": value} if is_number(value) else {}
    limits = {"max": most} if is_number(most) else {}
    return build_element("progress", node_id, place_at(wireframe) + describe_style(wireframe), **amounts, **limits)


_Builder = Callable[[Wireframe, int, Iterator[int]], Node]
_INPUTS: Final[Mapping[str, _Builder]] = {
    "text_area": _build_area,
    "button": _build_button,
    "select": _build_select,
    "checkbox": _build_choice,
    "radio": _build_choice,
    "toggle": _build_choice,
    "progress": _build_progress,
}
_BUILDERS: Final[Mapping[str, _Builder]] = {
    "div": _build_box,
    "rectangle": _build_box,
    "radio_group": _build_box,
    "text": _build_text,
    "image": _build_image,
    "screenshot": _build_image,
    "input": _build_input,
    "placeholder": _build_placeholder,
    "web_view": _build_placeholder,
    "status_bar": _build_bar,
    "navigation_bar": _build_bar,
}
