"""Linked assets: what an export says of them, and the table of those that its page is answered from."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from video_export_worker.contract.values import TolerantValue


class AssetMode(StrEnum):
    """What is done about images, fonts and style sheets that a recording names by URL."""

    FETCH = "fetch"
    NONE = "none"


class MissingReason(StrEnum):
    """Why an asset is missing. It is API: results and metrics use it."""

    NOT_FETCHED = "NotFetched"
    HOST_DENIED = "HostDenied"
    PRIVATE_ADDRESS = "PrivateAddress"
    NOT_FOUND = "NotFound"
    REFUSED = "Refused"
    FAILED = "Failed"
    UNREACHABLE = "Unreachable"
    TIMED_OUT = "TimedOut"
    TOO_LARGE = "TooLarge"
    WRONG_TYPE = "WrongType"
    TOO_MANY_REDIRECTS = "TooManyRedirects"
    OVER_LIMIT = "OverLimit"


class MissingAssets(TolerantValue):
    """Assets of one host that are missing for one reason."""

    host: str
    reason: MissingReason
    count: int


class AssetCounts(TolerantValue):
    """What became of the assets that a recording links to."""

    found: int = Field(default=0, description="URLs in the recording and in the style sheets that were fetched.")
    fetched: int = Field(default=0, description="Fetched for this export.")
    cached: int = Field(default=0, description="Taken from the storage or from the recording itself.")
    missing: list[MissingAssets] = Field(default_factory=list, description="By host and reason.")

    @property
    def missed(self) -> int:
        """How many are missing."""
        return sum(group.count for group in self.missing)


class Asset(TolerantValue):
    """A file that a page is answered with.

    Attributes:
        sha256: of its bytes, which is its name.
        type: media type by what its bytes are.
        size: bytes.
        awaited: nothing in the page waits for it by itself (images of styles, posters), so the player does.
        animated: it is a picture that moves by itself.
        moved: where redirects have led to a style sheet: what it refers to counts from there.
    """

    # It names a file, and the process that reads a recording says it: nothing else may come through.
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    type: str
    size: int
    awaited: bool = False
    animated: bool = False
    moved: str = ""


class AssetTable(TolerantValue):
    """What the requests of a page are answered with.

    Attributes:
        files: by URL.
        missing: URLs that there is nothing for; True where an element shows them, in whose place a quiet box stands.
        counts: for the result.
        href: of the page at the recording's start, which relative URLs count from.
        chunks: for each chunk of the recording, which of `files` its events can show, in their order; none if it is not
            known.
    """

    files: dict[str, Asset] = Field(default_factory=dict)
    missing: dict[str, bool] = Field(default_factory=dict)
    counts: AssetCounts = AssetCounts()
    href: str = ""
    chunks: list[list[int]] = Field(default_factory=list)

    def of_chunks(self, numbers: Iterable[int]) -> AssetTable:
        """The table of those files that these chunks can show."""
        if not self.chunks:
            return self
        # Chunks behind the last that was looked through bring nothing.
        wanted = {file for number in numbers for chunk in self.chunks[number : number + 1] for file in chunk}
        files = {url: file for number, (url, file) in enumerate(self.files.items()) if number in wanted}
        return self.model_copy(update={"files": files, "chunks": []})
