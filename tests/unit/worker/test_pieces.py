"""Events that a product has cut into pieces are put together, within bounds."""

from __future__ import annotations

from video_export_worker.recording import RecordingLimits
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.pieces import Piece, Pieces


def test_pieces_whose_others_never_come_take_no_more_memory_than_two_events() -> None:
    pieces = Pieces(Meters(RecordingLimits(event_bytes=1000)))
    for event in range(100):
        assert pieces.add(Piece(str(event), 1, 2, "x" * 900)) is None
        assert pieces.waiting_bytes <= 2000
    assert (pieces.incomplete, pieces.add(Piece("99", 2, 2, "y"))) == (100, "x" * 900 + "y")
    assert pieces.add(Piece("long", 1, 3, "x" * 900)) is None
    assert pieces.add(Piece("long", 2, 3, "x" * 900)) is None
    assert (pieces.incomplete, pieces.waiting_bytes) == (100, 1800)
