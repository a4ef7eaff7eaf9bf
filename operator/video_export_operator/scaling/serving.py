"""Pods that stay for the open work of their Worker Deployment Version.

Work that is pinned to a version is done by pods of that version alone. While pods of several versions are there, it
matters which of them go.
"""

from collections.abc import Iterator, Mapping

from video_export_operator.scaling.observation import Observation
from video_export_operator.scaling.pod_work import PodWork


def find_serving(seen: Observation, heard: Mapping[str, PodWork]) -> frozenset[str]:
    """Return the idle pods that stay, because their version has open work.

    Args:
        seen: with the versions that have open work.
        heard: what the workers of the pods said lately.
    """
    versions = {work.report.version for work in heard.values()}
    if seen.queue is None or len(versions) < 2:
        return frozenset()
    waited_for = {each.version for each in seen.queue.versions if each.tasks}
    waiting = {name for name, work in heard.items() if work.report.version in waited_for}
    kept = {*waiting, *_find_last(seen, heard)}
    return frozenset(name for name in kept if not heard[name].running)


def _find_last(seen: Observation, heard: Mapping[str, PodWork]) -> Iterator[str]:
    """Yield the pods of older templates that stay for their version although nothing waits for it now.

    Where new workflows begin on it all of its pods do: it is not replaced yet, whatever the template says. Where only
    its open workflows are left, one does, for when they wake.
    """
    if seen.queue is None or seen.owned is None or seen.open_executions == 0:
        return
    older = (each for index, each in enumerate(seen.owned.sets) if index != seen.owned.current)
    names = sorted(pod.name for each in older for pod in each.pods if pod.name in heard)
    for version in seen.queue.versions:
        mine = [name for name in names if heard[name].report.version == version.version]
        if version.is_current:
            yield from mine
        elif version.is_draining and not any(heard[name].running for name in mine):
            yield from mine[:1]
