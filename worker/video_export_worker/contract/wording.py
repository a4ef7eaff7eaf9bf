"""How a request's problems are said: what the value must be, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

PATTERNS: Final = {r"^#[0-9a-fA-F]{6}$": "must be a colour such as #ffffff"}

_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "missing": lambda _: "is missing",
    "greater_than_equal": lambda bound: f"must be at least {bound['ge']:g}",
    "greater_than": lambda bound: f"must be more than {bound['gt']:g}",
    "less_than_equal": lambda bound: f"must be at most {bound['le']:g}",
    "less_than": lambda bound: f"must be less than {bound['lt']:g}",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a number that is not infinite",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "string_type": lambda _: "must be a text",
    "string_too_long": lambda bound: f"must have at most {bound['max_length']} characters",
    "string_pattern_mismatch": lambda bound: PATTERNS.get(bound["pattern"], f"must match {bound['pattern']}"),
    "list_type": lambda _: "must be a list",
    "too_short": lambda bound: f"must have at least {bound['min_length']}",
    "too_long": lambda bound: f"must have at most {bound['max_length']}",
    "enum": lambda known: f"must be {known['expected']}",
    "literal_error": lambda known: f"must be {known['expected']}",
    "model_type": lambda _: "must be an object with fields",
    "dict_type": lambda _: "must be an object with fields",
}
"""By Pydantic's name of the problem."""


def word(problem: Mapping[str, Any], known: Iterable[str] = ()) -> str:
    """Return a problem of Pydantic's in words.

    Args:
        problem: one of `ValidationError.errors()`.
        known: names of the fields beside one that does not exist.
    """
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), known, 1)
        return "there is no such field" + (f", did you mean {near[0]}?" if near else "")
    say = _WORDS.get(problem["type"])
    return say(problem.get("ctx", {})) if say else problem["msg"].removeprefix("Value error, ")
