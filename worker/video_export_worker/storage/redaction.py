"""Takes credentials out of a text that will be shown: in errors, in logs of every level, in histories."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

HIDDEN: Final = "[hidden]"
SHORTEST: Final = 8  # characters; a shorter value is found in harmless words as well
# Variables whose values are secrets, by a part of their names.
SECRET_NAMES: Final = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL|SAS|SIGNATURE", re.IGNORECASE)
# Secrets by their shape: of signed URLs and headers, whoever signed them; user information in a URL; AWS's key ids.
SIGNED: Final = r"x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature|token"
SHAPES: Final = (
    (re.compile(rf"(?i)\b({SIGNED})=[^&\s\"'<>]+"), r"\1="),
    (re.compile(r"(?i)\b(authorization\"?\s*[:=]\s*\"?)[^\n\"}]+"), r"\1"),
    (re.compile(r"(://)[^/\s@:]++:[^\s@]++@"), r"\1"),
    (re.compile(r"(://)[^/\s@:?#]++@"), r"\1"),  # a token alone
    (re.compile(r"\b()(?:AKIA|ASIA)[A-Z0-9]{12,}"), r"\1"),
)


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """The text without credentials.

    Args:
        text: what a store said.
        environment: whose secrets are hidden; by default this process's.
    """
    for name, value in (os.environ if environment is None else environment).items():
        if len(value) >= SHORTEST and SECRET_NAMES.search(name):
            text = text.replace(value, HIDDEN)
    for shape, kept in SHAPES:
        text = shape.sub(kept + HIDDEN, text)
    return text
