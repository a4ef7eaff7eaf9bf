"""Only what changed is converted, and nobody can tell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from video_export_worker.encoding.planes import Yuv420
from video_export_worker.pictures import Picture

WIDTH = 50


def shown(planes: Yuv420) -> Picture:
    return np.asarray(planes.frame.to_ndarray(format="yuv420p"), np.uint8).copy()


@settings(max_examples=40)
@given(st.data())
def test_changed_rows_come_out_as_in_the_whole_picture(data: st.DataObject) -> None:
    height = data.draw(st.integers(1, 80)) * 2
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    picture = random.integers(0, 256, (height, WIDTH, 4), np.uint8)
    picture[..., 3] = 255
    kept = Yuv420(WIDTH, height)
    kept.show(picture)
    for _ in range(3):
        picture = picture.copy()
        changed = np.zeros(height, bool)
        for _ in range(data.draw(st.integers(0, 3))):
            top = data.draw(st.integers(0, height - 1))
            changed[top : data.draw(st.integers(top + 1, height))] = True
        picture[changed, :, :3] = random.integers(0, 256, (int(changed.sum()), WIDTH, 3), np.uint8)
        kept.show(picture, changed)
        whole = Yuv420(WIDTH, height)
        whole.show(picture)
        assert np.array_equal(shown(kept), shown(whole)), f"rows {np.flatnonzero(changed)} of {height}"


def test_a_picture_without_changed_rows_is_not_converted() -> None:
    planes = Yuv420(16, 16)
    planes.show(np.zeros((16, 16, 4), np.uint8))
    before = shown(planes)
    planes.show(np.full((16, 16, 4), 255, np.uint8), np.zeros(16, bool))
    assert np.array_equal(shown(planes), before)


def test_a_colour_is_converted_by_bt709() -> None:
    planes = Yuv420(16, 16)
    planes.show(np.full((16, 16, 4), (0xCC, 0x66, 0x33, 0xFF), np.uint8))
    values = [bytes(plane)[0] for plane in planes.frame.planes]
    # ITU-R BT.709 in limited range, of red 51, green 102, blue 204: 100.6, 177.9, 101.4
    assert np.abs(np.subtract(values, (100.6, 177.9, 101.4))).max() <= 1, values
