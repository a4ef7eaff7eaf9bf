"""The operator's log as JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from video_export_operator.__main__ import JsonFormatter


def test_a_record_is_one_line_with_its_subject_whatever_that_holds() -> None:
    record = logging.makeLogRecord(
        {
            "name": "video_export_operator.loop",
            "levelname": "WARNING",
            "msg": "no answer from %s\nfor a while",
            "args": ("Temporal é",),
            "about": {"resource": "media/exports", "since": datetime(2026, 1, 1, tzinfo=UTC), "to": 2},
        }
    )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["message"]) == ("warning", "no answer from Temporal é\nfor a while")
    assert (line["resource"], line["since"], line["to"]) == ("media/exports", "2026-01-01 00:00:00+00:00", 2)
