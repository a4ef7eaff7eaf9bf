"""Servers that the tests of one run share; each test uses names of its own (queue, workflow, key prefix)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.servers import S3Server, TemporalServer, running_s3, running_temporal

if TYPE_CHECKING:
    from temporalio.client import Client

# How long an example takes says more about the machine than about the code.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

LEVELS = ("unit", "integration", "e2e")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pictures that were reviewed are kept; this replaces them with those of this run."""
    parser.addoption("--update-goldens", action="store_true", help="write the golden frames anew, to be looked at")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its level, which is the folder it lies in."""
    tests = Path(__file__).parent
    for item in items:
        level = item.path.relative_to(tests).parts[0]
        if level in LEVELS:
            item.add_marker(level)


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    """A real Temporal server for the whole run. A test that stops or freezes one starts its own."""
    with running_temporal(tmp_path_factory.mktemp("temporal")) as server:
        yield server


@pytest.fixture(scope="session")
async def temporal_client(temporal_server: TemporalServer) -> Client:
    """A client of `temporal_server` with the worker's data converter."""
    from temporalio.client import Client
    from temporalio.contrib.pydantic import pydantic_data_converter

    return await Client.connect(temporal_server.address, data_converter=pydantic_data_converter)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server with one bucket for the whole run."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
