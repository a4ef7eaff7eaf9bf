"""Every feature looks as it did when it was reviewed, and every frame is that of the reference, to the pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.rendering.fidelity import gaps, goldens, interaction, looks, motion, structure
from tests.integration.rendering.fidelity.gallery import FEATURES, FRAME_MS, Tour, tour
from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import by_product, by_reference, lay_out, list_differences, look
from video_export_worker.planning.timeline import Timeline
from video_export_worker.replay.settings import ChromiumSettings

assert structure
assert motion
assert looks
assert interaction
assert gaps


# Frames that may differ: a clip comes from a process of its own, and on a busy machine a frame late when it is new.
LATE = {"clips": 1}


@dataclass(frozen=True)
class Shown:
    """A tour through features as the product shows it, and as the reference does."""

    tour: Tour
    timeline: Timeline
    product: list[Picture]
    reference: list[Picture]

    def of(self, frames: list[Picture], feature: str) -> list[Picture]:
        first = self.tour.begins[feature] // FRAME_MS
        return frames[first : first + FEATURES[feature].lasts // FRAME_MS]


@pytest.fixture(scope="session")
async def shown(chromium: ChromiumSettings) -> dict[str, Shown]:
    """All features, each kind of sandbox in one recording."""
    found: dict[str, Shown] = {}
    for canvas in (False, True):
        journey = tour([feature for feature in FEATURES.values() if feature.canvas is canvas])
        assert journey.recording.has_canvas is canvas
        timeline, options = lay_out(journey.recording), look(journey.recording)
        product = await by_product(journey.recording, timeline, options, chromium)
        reference = await by_reference(journey.recording, timeline, options, chromium)
        found |= dict.fromkeys(journey.begins, Shown(journey, timeline, product, reference))
    return found


@pytest.fixture(scope="session")
def same_environment(chromium: ChromiumSettings, request: pytest.FixtureRequest) -> bool:
    if request.config.getoption("--update-goldens"):
        goldens.write_environment(chromium)
    return goldens.environment(chromium) == goldens.recorded_environment()


@pytest.mark.parametrize("feature", FEATURES)
async def test_it_looks_as_it_did_when_it_was_reviewed(
    feature: str, shown: dict[str, Shown], same_environment: bool, request: pytest.FixtureRequest
) -> None:
    frames = shown[feature].of(shown[feature].product, feature)
    made = goldens.strip([frames[at // FRAME_MS] for at in FEATURES[feature].at])
    path = goldens.path_of(feature)
    if request.config.getoption("--update-goldens"):
        goldens.write_picture(path, made)
    assert path.is_file(), f"no golden for {feature}: run pytest --update-goldens and look at {path.name}"
    difference = goldens.find_difference(made, goldens.read_picture(path), exact=same_environment)
    if difference:
        seen = Path("build") / "fidelity" / path.name
        goldens.write_picture(seen, made)
        pytest.fail(
            f"{difference}; what was shown is in {seen}; if it is right: pytest --update-goldens", pytrace=False
        )


@pytest.mark.parametrize("feature", FEATURES)
async def test_every_frame_is_that_of_the_reference(feature: str, shown: dict[str, Shown]) -> None:
    show = shown[feature]
    differences = list_differences(show.of(show.product, feature), show.of(show.reference, feature), show.timeline)
    assert len(differences) <= LATE.get(feature, 0), "\n".join(differences)


def test_no_golden_is_left_over() -> None:
    assert {path.name for path in goldens.FOLDER.glob("*.png")} == {goldens.path_of(name).name for name in FEATURES}


MOVING = ("animations", "transitions", "movement in svg", "shadow trees", "nested frames", "scrolling")


@pytest.mark.parametrize(
    ("speed", "fps", "ratio"), [(3.7, 30, 1), (0.4, 12.5, 1.5)], ids=["fast", "slow, in device pixels"]
)
async def test_at_any_speed_rate_and_scale(speed: float, fps: float, ratio: float, chromium: ChromiumSettings) -> None:
    recording = tour([FEATURES[name] for name in (MOVING if speed > 1 else MOVING[:2])]).recording
    timeline = lay_out(recording, speed=speed, fps=fps)
    options = look(recording, size=(round(320 * ratio), round(200 * ratio)), device_scale_factor=ratio)
    product = await by_product(recording, timeline, options, chromium)
    differences = list_differences(product, await by_reference(recording, timeline, options, chromium), timeline)
    assert not differences, "\n".join(differences)


async def test_a_frame_is_the_same_wherever_the_video_begins(
    shown: dict[str, Shown], chromium: ChromiumSettings
) -> None:
    """Also within an animation and a transition: their age is that of the recording."""
    recording = tour([FEATURES[name] for name in MOVING]).recording
    options = look(recording)
    whole = await by_product(recording, lay_out(recording), options, chromium)
    timeline = lay_out(recording, start=0.6, end=1.8)
    late = await by_product(recording, timeline, options, chromium)
    differences = list_differences(late, whole[15 : 15 + timeline.frames], timeline)
    assert not differences, "\n".join(differences)
