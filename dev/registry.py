"""A registry of images on this machine, to which they are pushed and from which a node pulls them."""

from __future__ import annotations

from pathlib import Path

from dev.debian_program import REGISTRY
from dev.processes import Process
from dev.waiting import answers

PORT = 5000
ADDRESS = f"localhost:{PORT}"
"""Programs speak plain HTTP with a registry of this name, and with no other."""

_SETTINGS = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


def registry(directory: Path) -> Process:
    """Return the registry whose images lie in `directory`; start it and wait until it answers."""
    folder = directory / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "settings.yml"
    settings.write_text(_SETTINGS.format(folder=folder / "images", port=PORT))
    return Process("registry", [str(REGISTRY.ensure()), "serve", str(settings)], folder)


def start_registry(directory: Path) -> Process:
    """Start the registry and wait until it answers."""
    started = registry(directory)
    started.start()
    started.wait_ready(lambda: answers(f"http://127.0.0.1:{PORT}/v2/"))
    return started
