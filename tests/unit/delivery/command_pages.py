"""Pages of the documentation that are read off the two commands: their help, and the variables that they read."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from video_export_operator.command_line import build_parser
from video_export_operator.settings import PREFIX, Settings
from video_export_worker.cli import COMMANDS, cli
from video_export_worker.cli.settings import TEMPORAL_VARIABLES, WorkerSettings

WIDTH: Final = 100  # characters of a line of help
OPERATOR_VARIABLES: Final[Mapping[str, str]] = {
    "namespaces": "Namespaces to serve, apart by commas; none or `*` is all.",
    "label_selector": "Serve only resources with these labels; the API server filters them.",
    "leader_election": "Elect one of several replicas by a Lease.",
    "lease_name": "Name of the Lease.",
    "lease_namespace": "Namespace of the Lease; by default the pod's (`POD_NAMESPACE`).",
    "identity": "Name of this replica in the Lease; by default the pod's (`POD_NAME`).",
    "log_format": "`json` or `text`.",
    "log_level": "`debug`, `info`, `warning` or `error`.",
    "health_port": "Port of /healthz.",
    "metrics_port": "Port of /metrics and /readyz.",
    "calls_per_second": "Calls to Temporal that all resources share.",
    "concurrency": "Requests to the API server under way at once, and resources acted on at once.",
    "kube_context": "Context of the kubeconfig; by default the current one.",
}
TEMPORAL_MEANINGS: Final[Mapping[str, str]] = {
    "TEMPORAL_ADDRESS": "Host and port of the Temporal frontend.",
    "TEMPORAL_NAMESPACE": "Temporal namespace; by default `default`.",
    "TEMPORAL_API_KEY": "API key, as Temporal Cloud gives it; switches TLS on.",
    "TEMPORAL_TLS": "`true` or `false`.",
    "TEMPORAL_TLS_SERVER_NAME": "Name that the server's certificate must have.",
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH": "File of the certificate authority.",
    "TEMPORAL_TLS_SERVER_CA_CERT_DATA": "The certificate authority itself, as PEM.",
    "TEMPORAL_TLS_CLIENT_CERT_PATH": "File of the client's certificate.",
    "TEMPORAL_TLS_CLIENT_CERT_DATA": "The client's certificate itself, as PEM.",
    "TEMPORAL_TLS_CLIENT_KEY_PATH": "File of the client's key.",
    "TEMPORAL_TLS_CLIENT_KEY_DATA": "The client's key itself, as PEM.",
    "TEMPORAL_PROFILE": "Profile of Temporal's configuration file.",
    "TEMPORAL_CONFIG_FILE": "Temporal's configuration file.",
}

Rows = Iterator[tuple[str, ...]]


def build_command_page() -> str:
    """What both commands say with `--help`, command by command."""
    parts = ["## video-export", _block(_click_help(cli, "video-export"))]
    with click.Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            parts += [f"### video-export {name}", _block(_click_help(command, f"video-export {name}"))]
    parser = build_parser(_nothing, _nothing)
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    helps = {choice.dest: str(choice.help) for choice in commands._choices_actions}
    parts += ["## video-export-operator", str(parser.description), _block(str(parser.epilog))]
    for name, sub in commands.choices.items():
        parts += [
            f"### video-export-operator {name}",
            f"{helps[name][0].upper()}{helps[name][1:]}.",
            _list_options(sub),
        ]
    return "\n\n".join(parts)


def _list_options(parser: argparse.ArgumentParser) -> str:
    """A table of a command's options. What argparse itself prints differs from Python to Python."""
    rows = ["| option | meaning |", "| --- | --- |"]
    for action in parser._actions:
        if action.dest != "help":
            value = (
                f" {action.metavar}" if action.metavar else f" {{{','.join(action.choices)}}}" if action.choices else ""
            )
            rows.append(f"| {', '.join(f'`{option}{value}`' for option in action.option_strings)} | {action.help} |")
    return "\n".join(rows)


async def _nothing(_: argparse.Namespace) -> int:
    return 0


def _click_help(command: click.Command, path: str) -> str:
    settings = {**cli.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    with click.Context(command, info_name=path, **settings) as context:
        return command.get_help(context)


def _block(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


def worker_variables() -> Rows:
    """Every setting of the worker: name, default, meaning."""
    for field in WorkerSettings.model_fields.values():
        given = "" if field.is_required() or field.default_factory else _default(field.get_default())
        yield f"`{field.alias}`", given, str(field.description)


def operator_variables() -> Rows:
    """Every setting of the operator: name, default, meaning."""
    for name, field in Settings.model_fields.items():
        yield f"`{PREFIX}{name.upper()}`", _default(field.get_default()), OPERATOR_VARIABLES[name]


def temporal_variables() -> Rows:
    """What `temporalio.envconfig` reads."""
    return ((f"`{name}`", TEMPORAL_MEANINGS[name]) for name in TEMPORAL_VARIABLES)


def _default(value: Any) -> str:
    if value is None or value == () or value == "":
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
