"""When the quality benchmark says that quality was traded."""

import pytest

from benchmarks.rendering.quality import is_worse

USUAL = {"share_of_usual": 1.0, "ssim_mean": 0.998, "ssim_1st_percentile": 0.997}


def test_the_same_is_not_worse() -> None:
    assert not is_worse(USUAL, USUAL)


@pytest.mark.parametrize(
    ("measure", "value"), [("share_of_usual", 1.101), ("ssim_mean", 0.9979), ("ssim_1st_percentile", 0.9969)]
)
def test_larger_or_less_like_the_page_is_worse(measure: str, value: float) -> None:
    assert is_worse({**USUAL, measure: value}, USUAL)
