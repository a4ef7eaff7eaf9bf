"""The `video-export` command: exit code 0 done, 1 failed, 2 wrong usage, 130 interrupted.

A subcommand's module is imported when it is called: `--help` and `render` do not wait for Temporal.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import click

from video_export_worker.cli.failures import tell, wants_json

# Name -> (module below cli, its command, one line of help).
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "render": ("render", "render_command", "Render a recording to a video on this machine."),
    "submit": ("submit", "submit_command", "Start an export on the workers."),
    "list": ("listing", "list_command", "List exports, the newest first."),
    "watch": ("exports", "watch_command", "Follow an export until it ends."),
    "result": ("exports", "result_command", "Show the result of an export, download its videos."),
    "cancel": ("exports", "cancel_command", "Stop an export and remove what it left."),
    "inspect": ("inspect", "inspect_command", "Say what is in a recording."),
    "embed": ("embed", "embed_command", "Write a recording that holds what it links to."),
    "schema": ("schema", "schema_command", "Print the JSON Schema of requests and results."),
    "worker": ("worker", "worker_command", "Render exports from a Temporal task queue."),
    "doctor": ("doctor", "doctor_command", "Check what this machine is missing, and say how to get it."),
}


class LazyCommands(click.Group):
    """A group that knows its commands' names and imports a command only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Answer the names in the order of the table: the way through an export."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(f"video_export_worker.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="video-export", prog_name="video-export")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn rrweb session recordings into videos."""
    if context.invoked_subcommand != "worker":  # it reads all its settings, and tells every problem of them
        refuse_mistyped(os.environ)


def refuse_mistyped(environment: Mapping[str, str]) -> None:
    """Raises click.UsageError for variables that nearly read as settings: what they say would be ignored."""
    if not any(name.startswith(("VIDEO_EXPORT_", "TEMPORAL_")) for name in environment):
        return
    from video_export_worker.cli.settings import find_mistyped

    if problems := find_mistyped(environment):
        raise click.UsageError("\n".join(problems))


def main() -> None:
    """Run the command and end the process with its exit code."""
    code = _run()
    # Everything of ours is closed by now. The interpreter's orderly exit takes a tenth of a second, and the threads of
    # Temporal's client can crash it (signal 11).
    with suppress(OSError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _run() -> int:
    # A name of a file need not be text in the terminal's encoding: it is escaped, as in JSON, instead of ending all.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except BaseException as error:  # noqa: BLE001 - the process ends here, and says why
        return tell(error, wants_json(sys.argv[1:]))
