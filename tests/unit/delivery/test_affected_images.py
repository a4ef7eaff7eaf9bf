"""Which images a push affects."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.delivery.scripts import ROOT, load_script

affected_images = load_script("affected_images")
ZEROS = "0" * 40
# Needed to build the wheel only: a change of theirs changes nothing that runs in the image.
METADATA = {
    "README.md",
    "LICENSE",
    "operator/video_export_operator/__init__.py",
    "worker/video_export_worker/__init__.py",
}


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(repository: Path, *, write: dict[str, str] | None = None, move: tuple[str, str] | None = None) -> str:
    for path, content in (write or {}).items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(content)
    if move:
        (repository / move[1]).parent.mkdir(parents=True, exist_ok=True)
        git(repository, "mv", *move)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--no-verify", "--message", "change")
    return git(repository, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(
        tmp_path, write={"README.md": "hello", "worker/video_export_worker/cli.py": "print('a long enough file')\n" * 9}
    )
    return tmp_path


def decide(repository: Path, before: str, after: str) -> tuple[dict[str, str], str]:
    script = ROOT / ".github" / "scripts" / "affected_images.py"
    done = subprocess.run(
        [sys.executable, str(script), before, after], cwd=repository, check=True, capture_output=True, text=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines()), done.stderr


@pytest.mark.parametrize(
    ("changed", "operator", "worker"),
    [
        (["docs/operations.md", "README.md"], False, False),
        (["worker/video_export_worker/cli/__init__.py"], False, True),
        (["worker/player/src/player.ts"], False, True),
        (["operator/video_export_operator/scaling.py"], True, False),
        (["pyproject.toml"], True, True),
        (["requirements/build.txt"], True, True),
        (["requirements/worker.txt"], False, True),
        (["requirements/operator.txt"], True, False),
        (["requirements/dev.txt"], False, False),
        (["Dockerfile.worker"], False, True),
        (["Dockerfile.worker.orig", "workers/readme", "docs/worker/a.md"], False, False),
        (["tests/unit/worker/test_contract.py"], False, False),
        (["charts/temporal-worker-video-export/values.yaml"], False, False),
        (["docs/a.md", "worker/x", "operator/y"], True, True),
        ([], False, False),
    ],
)
def test_the_changed_paths_decide(changed: list[str], operator: bool, worker: bool) -> None:
    assert affected_images.decide_affected(changed) == {"operator": operator, "worker": worker}


def test_a_push_of_several_commits_counts_all_of_them(repository: Path) -> None:
    before = git(repository, "rev-parse", "HEAD")
    commit(repository, write={"worker/video_export_worker/cli.py": "print(2)\n"})
    after = commit(repository, write={"README.md": "other words"})
    assert decide(repository, before, after) == ({"operator": "false", "worker": "true"}, "")


def test_a_file_that_moved_out_of_an_image_changed_it(repository: Path) -> None:
    before = git(repository, "rev-parse", "HEAD")
    after = commit(repository, move=("worker/video_export_worker/cli.py", "docs/cli.py"))
    assert decide(repository, before, after)[0]["worker"] == "true"


def test_names_that_git_would_quote_are_read_as_they_are(repository: Path) -> None:
    before = git(repository, "rev-parse", "HEAD")
    after = commit(repository, write={"worker/录像 one.json": "[]"})
    assert decide(repository, before, after)[0] == {"operator": "false", "worker": "true"}


@pytest.mark.parametrize("before", [ZEROS, "", "1234567890123456789012345678901234567890"])
def test_without_a_known_commit_before_everything_is_affected(repository: Path, before: str) -> None:
    outputs, said = decide(repository, before, git(repository, "rev-parse", "HEAD"))
    assert outputs == {"operator": "true", "worker": "true"}
    assert "the commit before is not known" in said


def test_a_missing_commit_after_says_what_to_do(repository: Path) -> None:
    with pytest.raises(SystemExit, match="check out with the whole history"):
        affected_images.fetch_changed(git(repository, "rev-parse", "HEAD"), "f" * 40, repository)


@pytest.mark.parametrize("image", ["operator", "worker"])
def test_every_source_exists(image: str) -> None:
    missing = [source for source in affected_images.IMAGE_SOURCES[image] if not (ROOT / source).exists()]
    assert missing == [], f"the {image} image cannot be built from paths that do not exist"


@pytest.mark.parametrize("image", ["operator", "worker"])
def test_everything_that_the_dockerfile_copies_is_a_source(image: str) -> None:
    copied = read_copied((ROOT / f"Dockerfile.{image}").read_text(encoding="utf-8"))
    assert copied, "a Dockerfile that copies nothing builds nothing"
    sources = affected_images.IMAGE_SOURCES[image]
    forgotten = [
        path
        for path in copied - METADATA
        if not any(affected_images.is_source(path, source) or f"{path.rstrip('/')}/" == source for source in sources)
    ]
    assert not forgotten, f"a change of these changes the {image} image: add them to IMAGE_SOURCES"


def read_copied(dockerfile: str) -> set[str]:
    """Paths of the build context that COPY, ADD and bind mounts name."""
    joined = re.sub(r"\\\n\s*", " ", dockerfile)
    copied: set[str] = set()
    for line in joined.splitlines():
        words = line.split()
        if words and words[0] in ("COPY", "ADD") and not any(word.startswith("--from") for word in words):
            copied.update(word.removeprefix("./") for word in words[1:-1] if not word.startswith("--"))
        for mount in re.findall(r"--mount=(\S*type=bind\S*)", line):
            options: dict[str, str] = dict(part.split("=", 1) for part in mount.split(",") if "=" in part)
            if "from" not in options:
                copied.add(options.get("source") or options.get("src") or ".")
    return copied


def test_copied_paths_are_read_from_every_form() -> None:
    assert read_copied(
        "FROM a AS build\nCOPY --chown=1:1 a.txt ./b/ \\\n  /app/\nCOPY --from=build /x /y\n"
        "RUN --mount=type=bind,source=requirements/build.txt,target=/r true\n"
    ) == {"a.txt", "b/", "requirements/build.txt"}
