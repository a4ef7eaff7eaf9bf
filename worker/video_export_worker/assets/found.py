"""What planning found, on its way from the process that reads a recording to the one that has the network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from video_export_worker.assets.css import Use
from video_export_worker.contract.assets import Asset
from video_export_worker.contract.values import TolerantValue

LINKS_NAME: Final = "links.json"
ASSETS_FOLDER: Final = "assets"
MOST_BYTES: Final = 64 * 2**20


class FoundLinks(TolerantValue):
    """The links of a recording.

    Attributes:
        uses: what each URL is used as.
        recorded: files that the recording itself holds, by URL; their bytes lie in `assets/`, named by their hash.
        href: of the page at the recording's start.
        left_out: how many links there were beyond what is counted.
        shown: for each chunk of the recording, which of `uses` its events bring, in their order.
    """

    uses: dict[str, set[Use]] = Field(default_factory=dict)
    recorded: dict[str, Asset] = Field(default_factory=dict)
    href: str = ""
    left_out: int = 0
    shown: list[list[int]] = Field(default_factory=list)


def write_links(folder: Path, found: FoundLinks) -> None:
    """Leave the links in an artefact folder; none, no file."""
    if found.uses or found.recorded:
        (folder / LINKS_NAME).write_text(found.model_dump_json())


def read_links(folder: Path) -> FoundLinks | None:
    """Read the links of an artefact folder; None if there are none.

    Raises:
        ValueError: it is not what `write_links` writes.
    """
    path = folder / LINKS_NAME
    if not path.is_file():
        return None
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{LINKS_NAME} has more than {MOST_BYTES} bytes")
    return FoundLinks.model_validate_json(path.read_text())
