"""The servers of the tests are what they say: otherwise every other test tests nothing."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, cast

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from tests.servers import S3Server, running_temporal

if TYPE_CHECKING:
    from obstore.store import S3Config


async def test_temporal_keeps_executions(temporal_client: Client) -> None:
    name = f"unserved-{uuid.uuid4()}"
    handle = await temporal_client.start_workflow("Any", id=name, task_queue=name)
    assert (await handle.describe()).status is not None
    await handle.terminate()


async def test_stopped_temporal_comes_back_at_the_same_address(tmp_path: Path) -> None:
    with running_temporal(tmp_path, database=tmp_path / "temporal.db") as server:
        client = await Client.connect(server.address)
        name = f"unserved-{uuid.uuid4()}"
        await client.start_workflow("Any", id=name, task_queue=name)
        server.stop()
        with pytest.raises(RuntimeError, match="onnect"):
            await Client.connect(server.address)
        server.start()
        client = await Client.connect(server.address)
        with pytest.raises(RPCError) as missing:
            await client.get_workflow_handle("other").describe()
        assert missing.value.status is RPCStatusCode.NOT_FOUND
        assert (await client.get_workflow_handle(name).describe()).id == name


async def test_s3_takes_and_gives_objects_and_refuses_strangers(s3_server: S3Server) -> None:
    store = S3Store(s3_server.bucket, config=cast("S3Config", s3_server.credentials))
    await obstore.put_async(store, "probe/one.txt", b"one")
    assert bytes(await (await obstore.get_async(store, "probe/one.txt")).bytes_async()) == b"one"
    assert s3_server.objects("probe/") == ["probe/one.txt"]
    wrong = {**s3_server.credentials, "AWS_SECRET_ACCESS_KEY": "wrong"}
    stranger = S3Store(s3_server.bucket, config=cast("S3Config", wrong))
    with pytest.raises(BaseError, match="403"):
        await obstore.get_async(stranger, "probe/one.txt")
