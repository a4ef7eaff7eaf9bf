"""The one shape in which the command line tells of a failure: `error: Code: message`, or JSON where asked for."""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from video_export_worker.errors import Internal, InvalidRequest, StorageDenied, StorageUnavailable, VideoExportError

USAGE: Final = 2
INTERRUPTED: Final = 130
WORKER_MODULES: Final = frozenset(
    ("ada_url", "aiohttp", "av", "brotli", "ffmpeg", "msgspec", "numpy", "playwright", "websockets", "zstandard")
)
"""What the extra `worker` brings; a client has none of it."""


class CommandFailed(click.ClickException):
    """A command failed in a way that has a name.

    Args:
        code: its name, as scripts read it.
        message: what happened and what to do.
        details: further members of the JSON, such as the export's id.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = dict(details or {})


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for; read from the arguments, for a wrong usage fails before they are parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def tell(error: BaseException, as_json: bool) -> int:
    """Tell of a failure and return the exit code: in words on standard error, as JSON on standard output."""
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return 1  # nobody reads any more
    failure = _name(error)
    if as_json:
        told = {"code": failure.code, "message": failure.message}
        click.echo(json.dumps({**failure.details, "error": told}, ensure_ascii=False))
    else:
        click.echo(f"error: {failure.code}: {failure.message}", err=True)
        _show_help(error)
    return USAGE if isinstance(error, (click.UsageError, InvalidRequest)) else 1


def _name(error: BaseException) -> CommandFailed:
    """Return a failure with its name; what nobody expected is a defect of ours."""
    if isinstance(error, CommandFailed):
        return error
    if isinstance(error, click.UsageError):
        return CommandFailed("InvalidUsage", error.format_message())
    if isinstance(error, click.ClickException):
        return CommandFailed("CommandFailed", error.format_message())
    if isinstance(error, (StorageDenied, StorageUnavailable)):
        return CommandFailed(error.code, f"{error} - this is about this machine, not about the workers")
    if isinstance(error, VideoExportError):
        return CommandFailed(error.code, str(error))
    if isinstance(error, ModuleNotFoundError) and error.name in WORKER_MODULES:
        advice = "install it with: pip install 'video-export[worker]'"
        return CommandFailed("NotInstalled", f"this needs the worker's part ({error.name} is missing): {advice}")
    if isinstance(error, OSError):
        return CommandFailed("FileError", f"{error.filename or 'a file'}: {error.strerror or error}")
    return CommandFailed(Internal.__name__, f"a defect of video-export: {error!r:.500}; {_keep_stack(error)}")


def _keep_stack(error: BaseException) -> str:
    """Write where a defect happened to a file, and return what to do with it: a report needs it, a user does not."""
    stack = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="video-export-defect-", suffix=".txt", delete=False) as file:
            file.write(stack)
    except OSError:
        return f"please report it with this:\n{stack}"
    return f"please report it with what {file.name} says"


def _show_help(error: BaseException) -> None:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(f"try: {error.ctx.command_path} --help", err=True)
