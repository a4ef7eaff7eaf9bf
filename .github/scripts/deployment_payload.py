"""Build the body of the repository dispatch that tells the charts repository about a new worker image.

Reads GitHub's own variables (`GITHUB_SHA`, `GITHUB_REPOSITORY`, `GITHUB_SERVER_URL`, `GITHUB_EVENT_PATH`) and
`IMAGE_DIGEST`, `LABELS` (a JSON list of names); prints JSON for `POST /repos/OWNER/NAME/dispatches`.
Standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

EVENT_TYPE: Final = "commit_state_update"
RELEASE: Final = "temporal-worker-video-export"
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT: Final = re.compile(r"[0-9a-f]{40}")
# GitHub refuses a client_payload of more than 64 KiB; a commit message is the one part without a bound.
MAX_MESSAGE: Final = 4096


def build_payload(
    *, digest: str, commit: Mapping[str, Any], repository: str, labels: list[str], at: datetime
) -> dict[str, Any]:
    """Build the body of the dispatch.

    Args:
        digest: the pushed image's, `sha256:` and 64 hexadecimal digits.
        commit: as in GitHub's push event (`head_commit`): at least `id`.
        repository: `owner/name` of this repository.
        labels: names of the labels of the merged pull request.
        at: when the image was published.

    Raises:
        ValueError: with every problem, one a line.
    """
    problems = [
        problem
        for wrong, problem in (
            (not DIGEST.fullmatch(digest), f"IMAGE_DIGEST must be sha256:<64 hex digits>, not {digest!r}"),
            (not COMMIT.fullmatch(str(commit.get("id"))), f"the commit must have 40 hex digits: {commit.get('id')!r}"),
            (repository.count("/") != 1, f"GITHUB_REPOSITORY must be owner/name, not {repository!r}"),
            (any(not isinstance(label, str) for label in labels), f"LABELS must be a JSON list of names: {labels!r}"),
            (at.tzinfo is None, "the time needs a time zone"),
        )
        if wrong
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return {
        "event_type": EVENT_TYPE,
        "client_payload": {
            "values": {"image": {"sha": digest}},
            "release": RELEASE,
            "commit": {**commit, "message": str(commit.get("message", ""))[:MAX_MESSAGE]},
            "repository": repository,
            "labels": sorted(set(labels)),
            "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def build_commit(event: Mapping[str, Any], *, sha: str, repository: str, server: str) -> dict[str, Any]:
    """Take what a reader needs of the commit from a push event; a manual run has no such event, so only its id."""
    head = event.get("head_commit") or {}
    commit = {"id": sha, "url": f"{server}/{repository}/commit/{sha}"}
    if head.get("id") == sha:
        commit |= {key: head[key] for key in ("message", "timestamp", "author", "url") if key in head}
    return commit


def main(environment: Mapping[str, str], at: datetime) -> None:
    """Print the body of the dispatch for one run of the workflow."""
    missing = [
        name
        for name in ("IMAGE_DIGEST", "GITHUB_SHA", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH")
        if not environment.get(name)
    ]
    if missing:
        raise SystemExit(f"deployment_payload: set {', '.join(missing)}")
    sha, repository = environment["GITHUB_SHA"], environment["GITHUB_REPOSITORY"]
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    try:
        payload = build_payload(
            digest=environment["IMAGE_DIGEST"],
            commit=build_commit(event, sha=sha, repository=repository, server=server),
            repository=repository,
            labels=json.loads(environment.get("LABELS") or "[]"),
            at=at,
        )
    except ValueError as error:
        raise SystemExit(f"deployment_payload: {error}") from error
    json.dump(payload, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(os.environ, datetime.now(UTC))
