"""The options of `video-export-operator`: every one wins over its VIDEO_EXPORT_OPERATOR_ variable."""

import argparse
from collections.abc import Awaitable, Callable
from importlib.metadata import version

from video_export_operator.settings import Settings

Command = Callable[[argparse.Namespace], Awaitable[int]]

EXAMPLES = """examples:
  video-export-operator run --all-namespaces          in a cluster, as the chart does
  video-export-operator run --context kind-a --log-format text --no-leader-election
  video-export-operator plan -f worker.yaml           what would be done for a resource, which need not exist
  kubectl get vew exports -o yaml | video-export-operator plan -f -

exit codes: 0 done, 1 failed (plan: something was refused), 2 wrong usage or settings, 130 interrupted
"""


def build_parser(run: Command, plan: Command) -> argparse.ArgumentParser:
    """Return the parser of the command line; the chosen command is its option `command`."""
    parser = argparse.ArgumentParser(
        prog="video-export-operator",
        description="Watches VideoExportWorker resources and gives each Temporal queue as many workers as it needs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('video-export')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="watch VideoExportWorker resources and scale their workers"), run)
    _add_plan(commands.add_parser("plan", help="show what would be done for manifests, without doing it"), plan)
    return parser


def _add_run(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add the options of `run`, with the settings' own defaults in the help."""
    parser.set_defaults(command=command)

    def add(name: str, text: str, **how: object) -> None:
        default = Settings.model_fields[name].default
        shown = f" (default: {default})" if default not in ("", None, ()) else ""
        parser.add_argument(f"--{name.replace('_', '-')}", help=text + shown, **how)  # type: ignore[arg-type]

    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--namespace", action="append", dest="namespaces", metavar="NAME", help="serve it; may repeat")
    scope.add_argument(
        "--all-namespaces", action="store_const", const="*", dest="namespaces", help="serve them all (default)"
    )
    add("label_selector", "serve only resources that match, for example team=media", metavar="SELECTOR")
    add("leader_election", "elect one of several replicas by a Lease", action=argparse.BooleanOptionalAction)
    add("lease_name", "name of the Lease", metavar="NAME")
    add("lease_namespace", "namespace of the Lease; POD_NAMESPACE if that is set", metavar="NAME")
    add("identity", "name of this replica in the Lease; POD_NAME if that is set", metavar="NAME")
    add("log_format", "form of the log", choices=("json", "text"))
    add("log_level", "least level that is logged", choices=("debug", "info", "warning", "error"))
    add("health_port", "port of /healthz", type=int, metavar="PORT")
    add("metrics_port", "port of /metrics and /readyz", type=int, metavar="PORT")
    add("calls_per_second", "calls to Temporal that all resources share", type=float, metavar="N")
    add("concurrency", "requests to the API server under way at once", type=int, metavar="N")
    _add_context(parser)


def _add_plan(parser: argparse.ArgumentParser, command: Command) -> None:
    """Add the options of `plan`."""
    parser.set_defaults(command=command)
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        required=True,
        dest="filenames",
        metavar="FILE",
        help="YAML or JSON, of one or many documents; - for standard input; may repeat",
    )
    parser.add_argument(
        "-n", "--namespace", metavar="NAME", help="of documents that name none (default: the kubeconfig's)"
    )
    _add_context(parser)


def _add_context(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--context", dest="kube_context", metavar="NAME", help="context of the kubeconfig (default: the current one)"
    )
