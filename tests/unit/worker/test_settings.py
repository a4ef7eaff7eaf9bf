"""The worker's settings: read once, every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_export_worker.cli.connection import read_temporal_settings
from video_export_worker.cli.settings import WORKER_VARIABLES, InvalidSettings, read_settings

SMALLEST = {"VIDEO_EXPORT_STORAGE_URI": "s3://exports/"}


def test_defaults() -> None:
    settings = read_settings({**SMALLEST, "POD_NAME": "pod-1", "UNRELATED": "x"})
    assert settings.storage_uri == "s3://exports"
    assert (settings.slots, settings.health_port, settings.graceful_shutdown) == (2, 8008, 285)
    assert (settings.chromium, settings.chromium_sandbox, settings.identity) == (None, "auto", "pod-1")


def test_an_empty_variable_is_not_set() -> None:
    settings = read_settings({**SMALLEST, "VIDEO_EXPORT_SLOTS": " ", "POD_NAME": ""})
    assert settings.slots == 2
    assert settings.identity


def test_every_problem_is_reported_at_once() -> None:
    environment = {
        "VIDEO_EXPORT_SLOTS": "many",
        "VIDEO_EXPORT_HEALTH_PORT": "70000",
        "VIDEO_EXPORT_GRACEFUL_SHUTDOWN": "0",
        "VIDEO_EXPORT_CHROMIUM_SANDBOX": "perhaps",
    }
    with pytest.raises(InvalidSettings) as problems:
        read_settings(environment)
    lines = str(problems.value).splitlines()
    assert [line.split(":")[0].split(" ")[0] for line in lines] == ["VIDEO_EXPORT_STORAGE_URI", *environment]
    assert "given: 'many'" in str(problems.value)


def test_the_list_of_variables_names_each_once() -> None:
    assert len(set(WORKER_VARIABLES)) == len(WORKER_VARIABLES)
    assert {"VIDEO_EXPORT_STORAGE_URI", "TEMPORAL_ADDRESS", "POD_NAME", "TMPDIR"} <= set(WORKER_VARIABLES)


def test_temporal_is_local_by_default() -> None:
    settings = read_temporal_settings({"HOME": "/nonexistent"})
    assert (settings.address, settings.namespace, dict(settings.options)) == ("localhost:7233", "default", {})


def test_temporal_by_the_standard_variables(tmp_path: Path) -> None:
    for name in ("ca.crt", "tls.crt", "tls.key"):
        (tmp_path / name).write_text(name)
    settings = read_temporal_settings(
        {
            "TEMPORAL_ADDRESS": "temporal:7233",
            "TEMPORAL_NAMESPACE": "video",
            "TEMPORAL_TLS": "true",
            "TEMPORAL_TLS_SERVER_NAME": "temporal.example",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(tmp_path / "ca.crt"),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(tmp_path / "tls.crt"),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(tmp_path / "tls.key"),
        }
    )
    assert (settings.address, settings.namespace) == ("temporal:7233", "video")
    tls = settings.options["tls"]
    assert (tls.domain, tls.server_root_ca_cert) == ("temporal.example", b"ca.crt")
    assert (tls.client_cert, tls.client_private_key) == (b"tls.crt", b"tls.key")


def test_an_api_key_is_never_sent_in_the_clear() -> None:
    settings = read_temporal_settings({"TEMPORAL_ADDRESS": "cloud:7233", "TEMPORAL_API_KEY": "key"})
    assert (settings.options["api_key"], settings.options["tls"]) == ("key", True)


def test_an_api_key_from_a_file_that_ends_a_line_is_the_key_alone() -> None:
    """`kubectl create secret --from-file` keeps the end of the line. The operator takes it off as well."""
    assert read_temporal_settings({"TEMPORAL_API_KEY": "key\n"}).options["api_key"] == "key"


def test_temporal_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "temporal.toml"
    path.write_text('[profile.default]\naddress = "from-file:7233"\n')
    assert read_temporal_settings({"TEMPORAL_CONFIG_FILE": str(path)}).address == "from-file:7233"
    path.write_text("[profile.default\n")
    with pytest.raises(InvalidSettings, match="cannot be read"):
        read_temporal_settings({"TEMPORAL_CONFIG_FILE": str(path)})
