"""A resource that was stored under an older definition goes on working under the present one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.control_plane import ControlPlane
from dev.kubernetes_binaries import CONTROL_PLANE, find_programs
from tests.integration.operator.cluster import Namespace, install_definition, resource, running_operator
from tests.requirements import require
from tests.servers import TemporalServer

PUBLISHED = sorted((Path(__file__).parent / "definitions").glob("*.yaml"))
PRESENT = Path(__file__).parents[3] / "crds" / "videoexportworkers.yaml"


@pytest.mark.parametrize("old", PUBLISHED, ids=lambda file: str(file.stem))
async def test_an_old_resource_still_works(old: Path, temporal_server: TemporalServer, tmp_path: Path) -> None:
    found = find_programs((*CONTROL_PLANE, "kubectl"))
    require(found, "no Kubernetes programs: `make test` builds them, or set KUBEBUILDER_ASSETS")
    with ControlPlane(controllers=False) as plane:
        space = Namespace(plane, "default")
        install_definition(space, old)
        scaling = {"mode": "Manual", "maxReplicas": 3}
        space.apply(resource(temporal_server.address, served_by="own", scaling=scaling, replicas=2))
        stored = (space.get("vew") or {})["spec"]
        install_definition(space, PRESENT)
        now = (space.get("vew") or {})["spec"]
        assert {name: now[name] for name in stored if not isinstance(stored[name], dict)} == {
            name: value for name, value in stored.items() if not isinstance(value, dict)
        }
        assert {name: now["scaling"][name] for name in stored["scaling"]} == stored["scaling"]
        with running_operator(plane, tmp_path, space.name):
            await space.wait_size(2)
            space.succeed("scale", "vew/exports", "--replicas=1")
            await space.wait_size(1)
            await space.wait_condition("Ready", "True", "InPlace")
        space.apply(resource(temporal_server.address, served_by="own", scaling={"mode": "Auto"}, slots=3))
