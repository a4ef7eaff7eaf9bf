"""The operator's command: options, manifests, and what wrong ones end in."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from video_export_operator import console
from video_export_operator.errors import InvalidSpec, OperatorError
from video_export_operator.manifest_files import read_documents
from video_export_operator.settings import InvalidSettings, read_settings

ROOT = Path(__file__).parents[3]
WORKER = """
apiVersion: videoexport.dev/v1alpha1
kind: VideoExportWorker
metadata: {name: exports}
spec:
  temporal: {address: "temporal:7233"}
  image: registry/worker:1
  storage: {uri: s3://exports}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: other}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "manifests.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIDEO_EXPORT_", "KUBE"))}
    return subprocess.run(
        [sys.executable, "-m", "video_export_operator", *arguments],
        input=given,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=200,  # starting takes three seconds, and many times that where all processors are busy
    )


def test_every_document_of_every_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = write(tmp_path, f"---\n{SECRET}---\n{WORKER}---\n")
    second = write(tmp_path / "a", WORKER.replace("name: exports", "name: others, namespace: media"))
    found = read_documents([first, second], "team")
    assert [str(document).removeprefix(str(tmp_path)) for document in found] == [
        "/manifests.yaml, document 1: Secret keys",
        "/manifests.yaml, document 2: VideoExportWorker exports",
        "/a/manifests.yaml: VideoExportWorker others",
    ]
    assert [document.key for document in found] == ["other/keys", "team/exports", "media/others"]
    assert [document.is_worker for document in found] == [False, True, True]


def test_a_list_as_kubectl_prints_it_is_unpacked(tmp_path: Path) -> None:
    body = WORKER.strip().replace("\n", "\n    ")
    found = read_documents([write(tmp_path, f"apiVersion: v1\nkind: List\nitems:\n  - {body}\n")], "team")
    assert [document.key for document in found] == ["team/exports"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SECRET, "holds no VideoExportWorker"),
        ("", "holds no VideoExportWorker"),
        ("just words", "is no Kubernetes object: it needs apiVersion, kind and metadata.name"),
        (f"{WORKER}---\nkind: Secret\n", ", document 2 is no Kubernetes object"),
        ("a: [", "is no YAML"),
    ],
)
def test_what_holds_no_resource_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=said):
        read_documents([write(tmp_path, text)], "default")


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperatorError) as refused:
        read_documents([f"{tmp_path}/none.yaml"], "default")
    assert str(refused.value) == f"{tmp_path}/none.yaml cannot be read: No such file or directory"
    (tmp_path / "picture").write_bytes(b"\xff\xd8")
    with pytest.raises(OperatorError, match="picture is no text in UTF-8"):
        read_documents([f"{tmp_path}/picture"], "default")
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET))
    with pytest.raises(OperatorError, match="standard input holds no VideoExportWorker"):
        read_documents(["-"], "default")


def test_every_problem_of_every_document_is_named_before_anything_is_asked(tmp_path: Path) -> None:
    broken = WORKER.replace('"temporal:7233"', "7233").replace("s3://exports", "exports")
    with pytest.raises(InvalidSpec) as refused:
        read_documents([write(tmp_path, f"{broken}---\n{WORKER}---\n{broken}")], "default")
    assert len(refused.value.problems) >= 4
    assert all(", document 1: " in problem or ", document 3: " in problem for problem in refused.value.problems)


def test_the_version_is_told() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "video-export-operator")
    assert done.stdout.split()[1][0].isdigit()


def test_a_client_is_told_how_to_get_the_operator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`pip install video-export` alone brings the script, and not what it needs."""
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["video-export-operator"]
    assert script == f"{console.__name__}:main"
    monkeypatch.delitem(sys.modules, "video_export_operator.__main__", raising=False)
    monkeypatch.setitem(sys.modules, "kopf", None)
    with pytest.raises(SystemExit) as ended:
        console.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "video-export-operator: this needs the operator's part (kopf is missing): "
        "install it with: pip install 'video-export[operator]'\n"
    )


def test_help_has_examples_and_defaults() -> None:
    assert "examples:" in run("--help").stdout
    assert "(default: 8081)" in run("run", "--help").stdout


def test_without_a_kubeconfig_the_file_is_named(tmp_path: Path) -> None:
    done = run("plan", "-f", "-", given=WORKER, HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip().splitlines() == [
        "video-export-operator: no cluster: there is no kubeconfig at ~/.kube/config; "
        "point KUBECONFIG to one, or run this inside a pod"
    ]


def test_a_setting_that_is_misspelt_is_refused_with_the_right_word(tmp_path: Path) -> None:
    done = run("run", VIDEO_EXPORT_OPERATOR_LOGLEVEL="debug", HOME=str(tmp_path))
    assert done.returncode == 2
    assert "LOGLEVEL: there is no such setting, did you mean VIDEO_EXPORT_OPERATOR_LOG_LEVEL?" in done.stderr


def test_variables_of_a_service_are_no_settings() -> None:
    """What Kubernetes sets for the Services video-export-operator and video-export-operator-metrics."""
    service = {
        f"VIDEO_EXPORT_OPERATOR_{name}": "10.96.0.1"
        for name in (
            *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_METRICS", "PORT", "PORT_8081_TCP", "PORT_8081_TCP_ADDR"),
            *("METRICS_SERVICE_HOST", "METRICS_SERVICE_PORT", "METRICS_PORT_8081_TCP", "METRICS_PORT_8081_TCP_PROTO"),
        )
    }
    assert read_settings(service).metrics_port == 8081
    with pytest.raises(InvalidSettings, match="there is no such setting"):
        read_settings({"VIDEO_EXPORT_OPERATOR_SOMETHING": "1"})


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
users: [{name: a, user: {token: secret}}]
"""


def test_a_port_that_is_taken_is_said_and_ends_the_operator(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(
            *("run", "--no-leader-election", "--health-port", "0", "--metrics-port", str(port)),
            KUBECONFIG=write(tmp_path, KUBECONFIG),
        )
    assert done.returncode == 1
    last = json.loads(done.stderr.splitlines()[-1])
    assert last["level"] == "critical", "the log is JSON to its last line"
    assert last["message"].startswith(f"cannot listen on port {port}: ")
    assert "VIDEO_EXPORT_OPERATOR_METRICS_PORT" in last["message"]
    assert "Traceback" not in done.stderr


def test_both_ports_may_not_be_one() -> None:
    with pytest.raises(InvalidSettings, match=r"METRICS_PORT: .*must differ from that of /healthz"):
        read_settings({}, {"health_port": 8080, "metrics_port": 8080})
    assert read_settings({}, {"health_port": 0, "metrics_port": 0}).metrics_port == 0, "free ones"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_defect_that_ends_the_operator_is_in_its_log(log_format: str) -> None:
    """It ends without the interpreter's own way out, which would have shown it."""
    program = f"""
import video_export_operator.__main__ as operator

async def broken(options):
    operator.set_up_logging(operator.read_settings({{}}, {{"log_format": "{log_format}"}}))
    raise ArithmeticError("of the test")

operator.run = broken
operator.main(["run"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=200)
    assert done.returncode == 1
    told = json.loads(done.stderr)["exception"] if log_format == "json" else done.stderr
    assert "ArithmeticError: of the test" in told
