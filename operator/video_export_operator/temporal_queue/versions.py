"""What waits for each Worker Deployment Version of a queue."""

import asyncio
from collections.abc import Iterable

from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.enums.v1 import VersionDrainageStatus
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueResponse,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
)
from temporalio.client import Client

from video_export_operator.scaling import VersionBacklog
from video_export_operator.temporal_queue.calls import call_options

MOST = 8
"""Versions that are asked about, the newest first: Temporal allows 50 of these calls a second in a namespace."""


def deployments_of(answers: Iterable[DescribeTaskQueueResponse]) -> frozenset[str]:
    """Return the Worker Deployments to which new work of a queue goes; none where it is not versioned."""
    found: list[WorkerDeploymentVersion] = []
    for info in (answer.versioning_info for answer in answers):
        found += [info.current_deployment_version, info.ramping_deployment_version]
    return frozenset(version.deployment_name for version in found if version.deployment_name)


async def fetch_versions(client: Client, queue: str, deployments: Iterable[str]) -> tuple[VersionBacklog, ...]:
    """Return what waits on a queue for each version that is not drained, where something does.

    Servers before 1.30 count only what waits for the current version here.
    """
    service = client.workflow_service
    found: list[VersionBacklog] = []
    for name in sorted(deployments):
        request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name)
        answer = await service.describe_worker_deployment(request, **call_options())
        versions = _undrained(answer.worker_deployment_info)
        found += await asyncio.gather(*(_fetch_version(client, queue, name, build) for build in versions))
    return tuple(version for version in found if version.tasks)


async def _fetch_version(client: Client, queue: str, deployment: str, build: str) -> VersionBacklog:
    """Return what waits for one version."""
    version = f"{deployment}.{build}"
    request = DescribeWorkerDeploymentVersionRequest(
        namespace=client.namespace, version=version, report_task_queue_stats=True
    )
    request.deployment_version.deployment_name, request.deployment_version.build_id = deployment, build
    answer = await client.workflow_service.describe_worker_deployment_version(request, **call_options())
    tasks = sum(each.stats.approximate_backlog_count for each in answer.version_task_queues if each.name == queue)
    return VersionBacklog(version, tasks)


def _undrained(info: WorkerDeploymentInfo) -> list[str]:
    """Return the build ids of versions that may have work, the newest first."""
    drained = VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED
    active = [each for each in info.version_summaries if each.drainage_status != drained]
    newest = sorted(active, key=lambda each: each.create_time.seconds, reverse=True)
    return [each.deployment_version.build_id for each in newest[:MOST]]
