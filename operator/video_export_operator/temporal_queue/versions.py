"""The open work of each Worker Deployment Version of a queue."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.enums.v1 import VersionDrainageStatus, WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueResponse,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
)
from temporalio.client import Client

from video_export_operator.scaling import VersionWork
from video_export_operator.temporal_queue.calls import call_options

MOST = 8
"""Versions that are asked about, the newest first: Temporal allows 50 of these calls a second in a namespace."""
CURRENT = frozenset(
    {
        WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT,
        WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING,
    }
)


def deployments_of(answers: Iterable[DescribeTaskQueueResponse]) -> frozenset[str]:
    """Return the Worker Deployments to which new work of a queue goes; none where it is not versioned."""
    found: list[WorkerDeploymentVersion] = []
    for info in (answer.versioning_info for answer in answers):
        found += [info.current_deployment_version, info.ramping_deployment_version]
    return frozenset(version.deployment_name for version in found if version.deployment_name)


async def fetch_versions(
    client: Client, queue: str, deployments: Iterable[str], with_tasks: bool
) -> tuple[VersionWork, ...]:
    """Return the versions that are not drained and have open work.

    Servers before 1.30 count only what waits for the current version here.

    Args:
        client: to ask.
        queue: whose tasks are counted.
        deployments: that have the versions.
        with_tasks: ask what waits for each of them as well.
    """
    service = client.workflow_service
    found: list[VersionWork] = []
    for name in sorted(deployments):
        request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name)
        answer = await service.describe_worker_deployment(request, **call_options())
        versions = _undrained(answer.worker_deployment_info)
        if with_tasks:
            versions = await asyncio.gather(*(_with_tasks(client, queue, name, each) for each in versions))
        found += versions
    return tuple(each for each in found if each.tasks or each.is_current or each.is_draining)


async def _with_tasks(client: Client, queue: str, deployment: str, work: VersionWork) -> VersionWork:
    """Return the open work of a version with the tasks that wait for it."""
    request = DescribeWorkerDeploymentVersionRequest(
        namespace=client.namespace, version=work.version, report_task_queue_stats=True
    )
    request.deployment_version.deployment_name = deployment
    request.deployment_version.build_id = work.version.removeprefix(f"{deployment}.")
    answer = await client.workflow_service.describe_worker_deployment_version(request, **call_options())
    tasks = sum(each.stats.approximate_backlog_count for each in answer.version_task_queues if each.name == queue)
    return replace(work, tasks=tasks)


def _undrained(info: WorkerDeploymentInfo) -> list[VersionWork]:
    """Return the versions that may have work, the newest first."""
    drained = VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED
    active = [each for each in info.version_summaries if each.drainage_status != drained]
    newest = sorted(active, key=lambda each: each.create_time.seconds, reverse=True)
    return [
        VersionWork(
            f"{each.deployment_version.deployment_name}.{each.deployment_version.build_id}",
            is_current=each.status in CURRENT,
            is_draining=each.drainage_status == VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINING,
        )
        for each in newest[:MOST]
    ]
