"""What a request may name: prefixes of recordings and of outputs. By default both are the worker's own storage.

Who may submit is not who may read everything: without these, a request could read any bucket that the worker can open,
and write over any video in it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from video_export_worker.errors import StorageDenied
from video_export_worker.storage.uris import join_uri, parse_location

PARTS: Final = "parts"
RECORDINGS: Final = "recordings"  # where `video-export submit` uploads
EXPORTS: Final = "exports"
ASSETS: Final = "assets"
SOURCES_VARIABLE: Final = "VIDEO_EXPORT_SOURCES"
OUTPUTS_VARIABLE: Final = "VIDEO_EXPORT_OUTPUTS"


@dataclass(frozen=True)
class AllowedPlaces:
    """Prefixes that requests may name.

    Attributes:
        root: the worker's own storage.
        sources: prefixes of recordings; a prefix such as `s3://` allows every bucket. Without any, the worker's own
            storage. What is below its `recordings/` is allowed in any case.
        outputs: prefixes of outputs. Without any, the worker's own storage.
    """

    root: str
    sources: Sequence[str] = ()
    outputs: Sequence[str] = ()

    def check_sources(self, uris: Sequence[str]) -> None:
        """Raises StorageDenied for a recording outside of what requests may read, InvalidRequest for no URI."""
        for uri in uris:
            parse_location(uri, root=self.root)
            if _is_below(uri, (join_uri(self.root, PARTS), join_uri(self.root, ASSETS))):
                raise StorageDenied(
                    f"recording {uri!r} is below {PARTS}/ or {ASSETS}/, which workers keep for themselves"
                )
            _require(uri, self._sources, "recording", SOURCES_VARIABLE)

    @property
    def _sources(self) -> tuple[str, ...]:
        return (*self.sources, join_uri(self.root, RECORDINGS)) if self.sources else (self.root,)

    def check_output(self, uri: str, own: str) -> None:
        """Raises StorageDenied for an output outside of what requests may write, InvalidRequest for no URI.

        Args:
            uri: where the results are to go.
            own: where the export's results go if it asks for nothing.
        """
        if _canonical(uri) == _canonical(own):
            return
        parse_location(uri, root=self.root)
        if _is_below(uri, tuple(join_uri(self.root, own) for own in (PARTS, EXPORTS, ASSETS))):
            raise StorageDenied(
                f"output {uri!r} is below {PARTS}/, {EXPORTS}/ or {ASSETS}/, where other exports' objects are"
            )
        _require(uri, self.outputs or (self.root,), "output", OUTPUTS_VARIABLE)


def _require(uri: str, prefixes: Sequence[str], what: str, variable: str) -> None:
    if not _is_below(uri, prefixes):
        raise StorageDenied(
            f"{what} {uri!r} is outside of what requests may name: {', '.join(prefixes)} ({variable} of the worker)"
        )


def _is_below(uri: str, prefixes: Sequence[str]) -> bool:
    given = _canonical(uri)
    wanted = [_canonical(prefix) for prefix in prefixes]
    return any(
        given == prefix or given.startswith(prefix if prefix.endswith("/") else f"{prefix}/") for prefix in wanted
    )


def _canonical(uri: str) -> str:
    """One spelling for one place."""
    scheme, _, rest = uri.partition("://")
    path = os.path.realpath(rest) if scheme == "file" else rest.rstrip("/")
    return f"{scheme}://{path}"
