"""One storage, whatever the scheme: the same promises against a real S3 server, a folder and memory."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from dev.waiting import find_free_port
from tests.servers import S3Server, running_s3
from tests.waiting import wait_for
from video_export_worker.errors import (
    InvalidRequest,
    RecordingNotFound,
    RecordingTooLarge,
    StorageDenied,
    StorageUnavailable,
)
from video_export_worker.storage import Storage, StoredObject, join_uri, objects

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def credentials(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.credentials.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["s3", "file", "memory"])
def storage(request: pytest.FixtureRequest, s3_server: S3Server, tmp_path: Path) -> Storage:
    root = {"s3": s3_server.uri, "file": f"file://{tmp_path}/stored", "memory": "memory://"}[request.param]
    return Storage(f"{root}/{uuid.uuid4()}")


@pytest.fixture
def root(storage: Storage) -> str:
    assert storage.root
    return storage.root


async def test_what_is_published_comes_back(storage: Storage, root: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(20 * MIB))  # several parts of a multipart upload
    uri = join_uri(root, "folder", "video.mp4")
    stored = await storage.publish(source, uri)
    assert stored.sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert stored.size == 20 * MIB == await storage.size(uri)
    assert await storage.fetch(uri, tmp_path / "copy") == 20 * MIB
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("largest", [objects.LARGEST_COPY, 20 * MIB - 1], ids=["by the store", "through the worker"])
async def test_a_copy_is_the_same_whatever_its_size(
    storage: Storage, root: str, tmp_path: Path, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LARGEST_COPY", largest)
    source = tmp_path / "source"
    source.write_bytes(os.urandom(20 * MIB))
    copied = await storage.copy(
        await storage.publish(source, join_uri(root, "staging", "video.mp4")), join_uri(root, "video.mp4")
    )
    assert (copied.uri, copied.size) == (join_uri(root, "video.mp4"), 20 * MIB)
    await storage.fetch(copied.uri, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("name", ["plain.json", "with space.json", "中文.json", "a+b=c&d.json", "percent%20.json"])
async def test_names_are_kept(storage: Storage, root: str, name: str) -> None:
    await storage.write(b"{}", join_uri(root, name))
    assert await storage.read(join_uri(root, name)) == b"{}"
    assert await storage.list(root) == [join_uri(root, name)]


async def test_what_is_missing_is_reported(storage: Storage, root: str, tmp_path: Path) -> None:
    uri = join_uri(root, "missing.json")
    assert await storage.size(uri) is None
    assert await storage.read(uri) is None
    assert await storage.list(join_uri(root, "parts")) == []
    assert await storage.delete(join_uri(root, "parts")) == 0
    with pytest.raises(RecordingNotFound, match="no such object: check the URI"):
        await storage.fetch(uri, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


async def test_an_object_over_the_limit_is_refused(storage: Storage, root: str, tmp_path: Path) -> None:
    uri = join_uri(root, "large")
    await storage.write(b"x" * 1001, uri)
    with pytest.raises(RecordingTooLarge, match="1,001 bytes or more: at most 1,000"):
        await storage.fetch(uri, tmp_path / "copy", limit=1000)
    assert not (tmp_path / "copy").exists()
    assert await storage.fetch(uri, tmp_path / "copy", limit=1001) == 1001


async def test_delete_takes_only_what_is_below_the_prefix(storage: Storage, root: str) -> None:
    for name in ("parts/one/1", "parts/one/2", "parts/one-more/1", "parts/two/1"):
        await storage.write(b"x", join_uri(root, name))
    assert await storage.delete(join_uri(root, "parts/one")) == 2
    assert await storage.list(root) == [join_uri(root, "parts/one-more/1"), join_uri(root, "parts/two/1")]


async def test_an_upload_that_stops_leaves_no_part_of_an_object(storage: Storage, root: str, tmp_path: Path) -> None:
    """A cancelled write of many parts: the name holds the object before, or the whole one if the end came first."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"old")
    new.write_bytes(os.urandom(64 * MIB))
    uri = join_uri(root, "video.mp4")
    await storage.publish(old, uri)
    task = asyncio.create_task(storage.publish(new, uri))
    await asyncio.wait([task], timeout=0.15)
    task.cancel()
    result = await asyncio.gather(task, return_exceptions=True)
    size = await storage.size(uri)
    assert size in (3, 64 * MIB), "a part of an object is there under its final name"
    if isinstance(result[0], StoredObject):
        assert size == 64 * MIB, "a write that ended well is not there"


async def test_a_reader_that_breaks_leaves_no_object(s3_server: S3Server) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * 9 * MIB
        raise RuntimeError("the disk broke")

    store = S3Store(s3_server.bucket, client_options={"allow_http": True})
    with pytest.raises(RuntimeError, match="the disk broke"):
        await obstore.put_async(store, "broken/video.mp4", chunks(), chunk_size=5 * MIB)
    assert s3_server.objects("broken/") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "does not accept the credentials"),
        ({"AWS_ACCESS_KEY_ID": "wrong"}, "does not accept the credentials"),
        ({"AWS_ALLOW_HTTP": "false"}, "set AWS_ALLOW_HTTP=true"),
    ],
)
async def test_a_refusing_storage_says_what_to_do(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StorageDenied, match=f"cannot read {s3_server.uri}/a.json: .*{message}"):
        await Storage().fetch(f"{s3_server.uri}/a.json", tmp_path / "copy")


async def test_a_missing_bucket_is_named(tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"x")
    for attempt in (
        Storage().fetch("s3://nowhere/a.json", tmp_path / "copy"),
        Storage().publish(tmp_path / "video.mp4", "s3://nowhere/video.mp4"),
        Storage().list("s3://nowhere/parts"),
    ):
        with pytest.raises(StorageDenied, match=r"s3://nowhere.*the bucket does not exist: create it"):
            await attempt


async def test_a_storage_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{find_free_port()}")
    with pytest.raises(StorageUnavailable, match="cannot read s3://exports/a: the storage does not answer"):
        await Storage().fetch("s3://exports/a", tmp_path / "copy")


async def test_a_frozen_storage_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running_s3(tmp_path) as server:
        monkeypatch.setenv("AWS_ENDPOINT", f"http://{server.address}")
        storage = Storage(read_timeout=timedelta(milliseconds=200))
        await storage.write(b"x", f"{server.uri}/a")
        server.freeze()
        with pytest.raises(StorageUnavailable, match="timed out"):
            await storage.fetch(f"{server.uri}/a", tmp_path / "copy")
        server.thaw()
        assert await wait_for(lambda: storage.size(f"{server.uri}/a"), "the storage answers again") == 1


async def test_a_worker_opens_no_files_of_its_own(tmp_path: Path) -> None:
    inside, outside = tmp_path / "stored", tmp_path / "secret"
    inside.mkdir()
    outside.write_text("secret")
    (inside / "link").symlink_to(outside)
    storage = Storage(f"file://{inside}")
    for uri in (f"file://{outside}", f"file://{inside}/../secret", f"file://{inside}/link"):
        with pytest.raises(StorageDenied, match="outside the worker's storage"):
            await storage.fetch(uri, tmp_path / "copy")
    with pytest.raises(StorageDenied, match="only a worker whose storage is file://"):
        await Storage("s3://exports").fetch("file:///etc/passwd", tmp_path / "copy")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://169.254.169.254/latest", "upload the recording first"),
        ("https://example.com/a.json", "upload the recording first"),
        ("ftp://example.com/a", "use s3://"),
        ("nothing", "use s3://"),
        ("s3://", "names no bucket"),
        ("s3:///key", "names no bucket"),
        ("s3://bucket/../other", "segment"),
        ("file://relative/a", "absolute path"),
    ],
)
async def test_uris_that_no_worker_opens(uri: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=message):
        await Storage("s3://exports").fetch(uri, tmp_path / "copy")


async def test_no_prefix_deletes_a_bucket() -> None:
    with pytest.raises(InvalidRequest, match="whole storage"):
        await Storage().delete("s3://exports")


async def test_a_read_only_folder_is_denied(tmp_path: Path) -> None:
    storage = Storage("file:///proc/nothing")
    with pytest.raises((StorageDenied, StorageUnavailable), match="cannot open file:///proc/nothing/a"):
        await storage.write(b"x", "file:///proc/nothing/a")
