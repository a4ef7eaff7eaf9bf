from __future__ import annotations

import pytest

from video_export_operator.settings import InvalidSettings, read_settings


def test_nothing_set_serves_all_namespaces() -> None:
    settings = read_settings({})
    assert settings.namespaces == ()
    assert (settings.health_port, settings.metrics_port, settings.calls_per_second) == (8080, 8081, 400.0)


def test_variables_are_read_and_the_command_line_wins() -> None:
    environment = {
        "VIDEO_EXPORT_OPERATOR_NAMESPACES": "media, exports",
        "VIDEO_EXPORT_OPERATOR_LEADER_ELECTION": "false",
        "VIDEO_EXPORT_OPERATOR_LOG_FORMAT": "json",
        "POD_NAME": "operator-0",
        "POD_NAMESPACE": "system",
    }
    settings = read_settings(environment, {"log_format": "text", "log_level": None})
    assert settings.namespaces == ("media", "exports")
    assert settings.leader_election is False
    assert (settings.identity, settings.lease_namespace) == ("operator-0", "system")
    assert (settings.log_format, settings.log_level) == ("text", "info")


def test_every_problem_is_named_by_its_variable() -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({"VIDEO_EXPORT_OPERATOR_HEALTH_PORT": "many", "VIDEO_EXPORT_OPERATOR_NAMESPACES": "a,*"})
    assert "VIDEO_EXPORT_OPERATOR_HEALTH_PORT: " in str(refused.value)
    assert "VIDEO_EXPORT_OPERATOR_NAMESPACES: " in str(refused.value)
    assert "name either * alone" in str(refused.value)
