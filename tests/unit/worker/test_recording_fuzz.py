"""Recordings with events of every kind, with holes and wild values: each is read, or refused by a typed error."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.integration.rendering.hostile.kinds import generate
from video_export_worker.errors import VideoExportError
from video_export_worker.recording import ShownRange, parse_recording
from video_export_worker.recording.beginnings import choose_beginning


@given(st.integers(0, 2**40))
def test_every_recording_is_read_or_refused_by_a_typed_error(seed: int) -> None:
    recording = refused = None
    try:
        recording = parse_recording([json.dumps(generate(seed)).encode()])
    except VideoExportError as error:
        refused = error
    if recording is None:
        assert str(refused)
        return
    again = parse_recording([json.dumps(recording.events).encode()])
    assert again.events == recording.events, "what was mended needs no more mending"
    assert choose_beginning(recording.index, recording.duration_ms).contexts
    begin_ms = seed % 97 / 97 * recording.duration_ms
    part = parse_recording([json.dumps(recording.events).encode()], shown=ShownRange(begin_ms, begin_ms + 1000))
    assert choose_beginning(part.index, begin_ms) == choose_beginning(again.index, begin_ms)
