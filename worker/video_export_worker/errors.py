"""Every way an export can fail, as one tree.

    VideoExportError
    ├── InvalidRequest        the request is out of bounds; every problem is listed
    ├── RecordingNotFound     no object at the recording's URI
    ├── RecordingInvalid      not a recording: not JSON, no events, no full snapshot ...
    ├── RecordingTooLarge     over a limit of bytes or of video time
    ├── RecordingTooHeavy     it ended the process that reads it, at the same place twice
    ├── NothingToRender       the chosen range holds no frame
    ├── NothingVisible        all that was painted is one colour, and the request is strict
    ├── RendererDiffers       the plan is of another version: a worker of that version takes it, or it is made anew
    ├── ProcessDied           an attempt's process took too much, or crashed
    ├── RenderFailed          Chromium: launch, load, seek, capture (names its stage)
    │   └── BrowserHung       Chromium did not answer in time, twice at the same frame
    ├── EncodeFailed          ffmpeg: encode, join, verify (names its stage)
    ├── StorageDenied         credentials or permissions of the storage are wrong
    ├── StorageUnavailable    the storage does not answer, or answers with a passing error
    └── Internal              a defect of ours; the message says what was expected

The class name is the error's code: it is what Temporal shows as the failure's type and what metrics count by.
`retryable` says whether the same attempt can succeed later without anybody changing anything.
"""

from __future__ import annotations

from typing import ClassVar


class VideoExportError(Exception):
    """An export failed in a way that has a name."""

    retryable: ClassVar[bool] = False

    @property
    def code(self) -> str:
        """The error's code: its class name."""
        return type(self).__name__


class InvalidRequest(VideoExportError):
    """A request is out of bounds; the message lists every problem, one a line."""


class RecordingNotFound(VideoExportError):
    """There is no object at the recording's URI."""


class RecordingInvalid(VideoExportError):
    """The object is not an rrweb recording that can be replayed, or its page fails in the same way twice."""


class RecordingTooLarge(VideoExportError):
    """The recording is over a limit; the message names the limit and how to raise it."""


class RecordingTooHeavy(VideoExportError):
    """The recording ended two processes at the same place, which the message names; it is refused for a day."""


class NothingToRender(VideoExportError):
    """The chosen range of the recording holds no frame."""


class NothingVisible(VideoExportError):
    """Every frame of the video would have one and the same colour, and the request is strict."""


class RendererDiffers(VideoExportError):
    """The export was planned by another version of the renderer: its parts would not fit to ours."""

    retryable = True


class ProcessDied(VideoExportError):
    """The process of an attempt took more memory or time than it may, crashed, or was killed."""

    retryable = True


class RenderFailed(VideoExportError):
    """Chromium could not produce the frames, after the restarts that are allowed."""

    retryable = True


class BrowserHung(RenderFailed):
    """Chromium did not answer in time, in two browsers at the same frame; the second attempt is the last one."""


class EncodeFailed(VideoExportError):
    """ffmpeg could not produce the video, or what it produced is not what was planned."""

    retryable = True


class StorageDenied(VideoExportError):
    """The storage refuses: credentials, permissions, or a bucket that does not exist."""


class StorageUnavailable(VideoExportError):
    """The storage does not answer or answers with a passing error."""

    retryable = True


class Internal(VideoExportError):
    """A defect of this program."""


ERROR_CODES: dict[str, type[VideoExportError]] = {
    cls.__name__: cls
    for cls in (
        InvalidRequest,
        RecordingNotFound,
        RecordingInvalid,
        RecordingTooLarge,
        RecordingTooHeavy,
        NothingToRender,
        NothingVisible,
        RendererDiffers,
        ProcessDied,
        RenderFailed,
        BrowserHung,
        EncodeFailed,
        StorageDenied,
        StorageUnavailable,
        Internal,
    )
}
