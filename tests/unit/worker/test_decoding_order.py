"""When packets are decoded that are not stored in the order in which they are shown."""

from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.encoding.parts import time_decoding

shown_times = st.lists(st.integers(0, 10_000), unique=True, max_size=20)


def test_packets_in_order_are_decoded_when_they_are_shown() -> None:
    assert time_decoding([0, 8, 80]) == [0, 8, 80]


def test_what_others_refer_to_is_decoded_just_before_them() -> None:
    assert time_decoding([32, 16, 8, 24]) == [6, 7, 8, 24]


@given(shown_times)
def test_each_is_decoded_after_the_one_before_and_no_later_than_it_is_shown(shown: list[int]) -> None:
    decoded = time_decoding(shown)
    assert decoded == sorted(set(decoded))
    assert all(then <= time for then, time in zip(decoded, shown, strict=True))


@given(shown_times.filter(bool))
def test_none_is_decoded_earlier_than_is_needed(shown: list[int]) -> None:
    for index, then in enumerate(time_decoding(shown)):
        assert then == min(time - later for later, time in enumerate(shown[index:]))
