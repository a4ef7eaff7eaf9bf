"""The recorded mouse, drawn outside the browser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.composing.pointer import PointerMarks, PointerPath, draw_marks, rows_of_marks
from video_export_worker.contract import Mouse
from video_export_worker.recording import ClickKind, MouseClick, MouseMove


def same_place(x: float, y: float, node: int) -> tuple[float, float]:
    return x, y


MOVES = [MouseMove(1000, 100, 50, False, 1), MouseMove(1050, 200, 50, False, 1), MouseMove(3000, 200, 150, False, 1)]


@pytest.mark.parametrize(
    ("at", "tip"),
    [
        (999, None),
        (1000, (100, 50)),
        (1025, (150, 50)),
        (1050, (200, 50)),
        (2900, (200, 50)),
        (2975, (200, 100)),
        (9000, (200, 150)),
    ],
)
def test_the_pointer_travels_between_recorded_positions(at: float, tip: tuple[int, int] | None) -> None:
    assert PointerPath(MOVES, Mouse()).marks_at(at, same_place).tip == tip


def test_positions_inside_a_frame_are_projected() -> None:
    def shifted(x: float, y: float, node: int) -> tuple[float, float]:
        return (x + 300, y + 20) if node == 7 else (x, y)

    path = PointerPath([MouseMove(0, 10, 10, False, 7)], Mouse())
    assert path.marks_at(0, shifted).tip == (310, 30)


def test_a_click_is_marked_for_a_moment() -> None:
    path = PointerPath([*MOVES, MouseClick(3100, 200, 150, ClickKind.DOWN, 1)], Mouse())
    assert path.marks_at(3099, same_place).clicks == ()
    assert path.marks_at(3300, same_place).clicks == ((200, 150, 50),)
    assert path.marks_at(3501, same_place).clicks == ()


def test_a_finger_is_seen_while_it_is_down_and_leaves_no_mouse_behind() -> None:
    tap: list[MouseMove | MouseClick] = [
        MouseClick(1000, 40, 40, ClickKind.TOUCH_START, 1),
        MouseMove(1050, 60, 40, True, 1),
        MouseClick(1100, 60, 40, ClickKind.TOUCH_END, 1),
        MouseClick(1120, 60, 40, ClickKind.DOWN, 1),  # what the browser makes of it for pages that know mice only
        MouseClick(1130, 60, 40, ClickKind.CLICK, 1),
    ]
    path = PointerPath([*tap, MouseMove(4000, 10, 10, False, 1)], Mouse())
    marks = path.marks_at(1060, same_place)
    assert (marks.tip, marks.touch) == ((60, 40), True)
    assert path.marks_at(1200, same_place).tip is None
    assert path.marks_at(1200, same_place).clicks == ((40, 40, 50),)
    assert path.marks_at(4000, same_place).tip == (10, 10)


def test_what_is_switched_off_is_not_there() -> None:
    path = PointerPath([*MOVES, MouseClick(3100, 1, 1, ClickKind.DOWN)], Mouse(cursor=False, clicks=False, trail=False))
    assert path.marks_at(3150, same_place) == PointerMarks()


def test_the_trail_ends_at_the_pointer() -> None:
    trail = PointerPath(MOVES, Mouse(trail=True)).marks_at(1050, same_place).trail
    assert trail[0] == (100, 50)
    assert trail[-1] == (200, 50)


def test_the_arrow_stands_at_its_tip_and_nowhere_else() -> None:
    page = np.full((200, 300, 4), 255, np.uint8)
    drawn = draw_marks(page, PointerMarks(tip=(100, 50)), 1.0)
    changed = np.argwhere((drawn != page).any(axis=2))
    assert changed.min(axis=0).tolist() == [50, 100]
    assert changed.max(axis=0)[0] < 72
    assert changed.max(axis=0)[1] < 114
    assert (page == 255).all(), "the page itself must stay as it was"
    assert drawn[60, 103].tolist() == [27, 24, 24, 255]


def test_marks_at_the_edge_are_cut_off() -> None:
    page = np.zeros((40, 40, 4), np.uint8)
    marks = PointerMarks(tip=(39, 39), clicks=((0, 0, 10), (60, 60, 10)), trail=((-20, -20), (50, 50)))
    assert draw_marks(page, marks, 2.0).shape == page.shape


@pytest.mark.parametrize("far", [30_000.0, 1e18, 1.7e308, -1.7e308])
def test_a_pointer_that_is_very_far_away_costs_nothing(far: float) -> None:
    moves = [MouseMove(1000, far, -far, False), MouseMove(1040, -far, far, False), MouseMove(1080, 5, 5, False)]
    path = PointerPath([*moves, MouseClick(1090, far, far, ClickKind.DOWN)], Mouse(trail=True))
    page = np.zeros((100, 200, 4), np.uint8)
    for at in (1000, 1020, 1040, 1060, 1080, 1100):
        marks = path.marks_at(at, lambda x, y, node: (1e307 * x, 3 * y))
        assert draw_marks(page, marks, 1.0).shape == page.shape
        rows_of_marks(marks, 1.0, len(page))


def test_a_trail_that_leaves_the_picture_is_drawn_in_it() -> None:
    page, larger = np.zeros((40, 60, 4), np.uint8), np.zeros((140, 160, 4), np.uint8)
    marks = PointerMarks(trail=((10, 10), (110, 90), (30, 35)))
    assert (draw_marks(page, marks, 1.0) == draw_marks(larger, marks, 1.0)[:40, :60]).all()


def test_nothing_to_draw_costs_no_copy() -> None:
    page = np.zeros((4, 4, 4), np.uint8)
    assert draw_marks(page, PointerMarks(), 1.0) is page


NUMBERS = st.integers(-60, 260)
MARKS = st.builds(
    PointerMarks,
    tip=st.none() | st.tuples(NUMBERS, NUMBERS),
    touch=st.booleans(),
    clicks=st.lists(st.tuples(NUMBERS, NUMBERS, st.integers(0, 99)), max_size=2).map(tuple),
    trail=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3).map(tuple),
)


@given(MARKS, st.sampled_from([0.5, 1.0, 2.0, 3.0]))
def test_marks_are_drawn_on_their_rows_only(marks: PointerMarks, scale: float) -> None:
    page = np.full((200, 200, 4), 128, np.uint8)
    drawn = (draw_marks(page, marks, scale) != page).any(axis=(1, 2))
    outside = drawn & ~rows_of_marks(marks, scale, 200)
    assert not outside.any(), f"rows {np.flatnonzero(outside)}"
