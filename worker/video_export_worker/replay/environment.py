"""What a browser, and whatever else reads a recording, gets of the worker's environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# No secret and no address is among it. TMPDIR tells whose process it is; the rest is where programs and fonts are, and
# how text is shown.
PASSED_ON: Final = (
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "FONTCONFIG_FILE",
    "FONTCONFIG_PATH",
)


def browser_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a browser: what is on the list, and nothing else."""
    return {name: environment[name] for name in PASSED_ON if name in environment}
