"""What a request may name: its recordings and its output."""

from __future__ import annotations

import pytest

from video_export_worker.errors import InvalidRequest, StorageDenied
from video_export_worker.storage.places import AllowedPlaces
from video_export_worker.storage.uris import parse_location

ROOT = "s3://exports/team"
OWN = f"{ROOT}/exports/mine"


@pytest.mark.parametrize(
    ("sources", "uri"),
    [
        ((), f"{ROOT}/recordings/a.json"),
        (("s3://recordings",), "s3://recordings/a.json"),
        (("s3://recordings/", "gs://others/a"), "gs://others/a/b.json"),
        (("s3://",), "s3://any-bucket/a.json"),
        (("s3://recordings",), f"{ROOT}/recordings/a.json"),  # uploaded by `video-export submit`
    ],
)
def test_a_recording_that_may_be_read(sources: tuple[str, ...], uri: str) -> None:
    AllowedPlaces(ROOT, sources=sources).check_sources([uri])


@pytest.mark.parametrize(
    ("sources", "uri"),
    [
        ((), "s3://other-tenant/secret.json"),
        ((), "s3://exports/teams/a.json"),  # the prefix ends within a name
        ((), "s3://exports/team"[:-1]),
        ((), f"{ROOT}/parts/other-export/recording-abc"),
        (("s3://recordings",), f"{ROOT}/others/a.json"),
        (("s3://",), "gs://any-bucket/a.json"),
        (("s3://",), f"{ROOT}/parts/other-export/recording-abc"),
        ((), "memory:///a"),
        ((), "file:///etc/passwd"),
    ],
)
def test_a_recording_that_may_not_be_read(sources: tuple[str, ...], uri: str) -> None:
    with pytest.raises(StorageDenied):
        AllowedPlaces(ROOT, sources=sources).check_sources(
            [f"{ROOT}/a.json" if not sources else "s3://recordings/a", uri]
        )


@pytest.mark.parametrize(
    "uri",
    [
        "https://internal/a.json",
        "az://container@attacker.blob.core.windows.net/a.json",
        "s3://key:secret@bucket/a.json",
        f"{ROOT}/recordings/../../other/a.json",
        f"{ROOT}//a.json",
        "s3:///a.json",
    ],
)
def test_what_is_no_place_is_refused(uri: str) -> None:
    with pytest.raises(InvalidRequest):
        AllowedPlaces(ROOT, sources=("s3://", "az://"), outputs=("s3://", "az://")).check_sources([uri])
    with pytest.raises(InvalidRequest):
        AllowedPlaces(ROOT, sources=("s3://", "az://"), outputs=("s3://", "az://")).check_output(uri, OWN)


@pytest.mark.parametrize("uri", [OWN, f"{OWN}/", f"{ROOT}/videos/mine", "s3://shared/mine"])
def test_an_output_that_may_be_written(uri: str) -> None:
    AllowedPlaces(ROOT, outputs=(ROOT, "s3://shared")).check_output(uri, OWN)


@pytest.mark.parametrize(
    "uri",
    [
        f"{ROOT}/exports/another",
        f"{ROOT}/exports",
        f"{ROOT}/parts/another",
        "s3://exports/another-team/videos",
        "memory:///x",
    ],
)
@pytest.mark.parametrize("outputs", [(), (ROOT,)])
def test_an_output_that_may_not_be_written(uri: str, outputs: tuple[str, ...]) -> None:
    with pytest.raises(StorageDenied):
        AllowedPlaces(ROOT, outputs=outputs).check_output(uri, OWN)


def test_the_refusal_says_what_is_allowed_and_who_says_so() -> None:
    said = r"recording 's3://b/a' is outside of what requests may name: s3://exports/team \(VIDEO_EXPORT_SOURCES of"
    with pytest.raises(StorageDenied, match=said):
        AllowedPlaces(ROOT).check_sources(["s3://b/a"])


@pytest.mark.parametrize("uri", ["s3://b/a\0b", "file:///exports/\0", "s3://b/\ud800", "s3://b/a\nb"])
def test_a_name_that_no_object_has_is_refused(uri: str) -> None:
    with pytest.raises(InvalidRequest, match="a character that no name of an object may have"):
        parse_location(uri, root="file:///exports")
