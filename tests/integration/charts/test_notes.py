"""What helm says after an installation can be done as it stands."""

import re
import subprocess

import pytest

from tests import fast_yaml
from tests.integration.charts.helm import CHARTS, run_helm
from video_export_operator.resource import parse_resource


def notes(chart: str, **values: object) -> str:
    done = run_helm("install", "rel", str(CHARTS / chart), "--namespace=media", "--dry-run=client", values=values)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\nNOTES:\n")[1]


def test_the_operators_snippet_can_be_pasted_into_a_shell() -> None:
    image = {"repository": "registry.example.org/media/video-export-operator"}
    text = notes("video-export-operator", image=image, watch={"namespaces": ["exports"]})
    begin = text.index("kubectl apply")
    snippet = text[begin : text.index("\n\n", begin)]
    pasted = f'kubectl() {{ echo "# $*"; cat; }}\n{snippet}\n'
    done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, check=True, timeout=10)
    assert done.stderr == ""
    assert done.stdout.startswith("# apply -f -\n")
    body = fast_yaml.load(done.stdout)
    assert parse_resource(body).spec.image == "registry.example.org/media/video-export-worker:0.1.0"
    assert body["metadata"]["namespace"] == "exports"


def test_the_commands_name_the_release() -> None:
    text = notes("temporal-worker-video-export", temporal={"address": "t:1"}, storage={"uri": "s3://x"})
    assert "helm -n media test rel" in text
    assert re.search(r"kubectl -n media get vew rel --watch", text)


WORKER = {"temporal": {"address": "t:1"}, "storage": {"uri": "s3://x"}}


@pytest.mark.parametrize(("chart", "values"), [("video-export-operator", {}), ("temporal-worker-video-export", WORKER)])
def test_an_image_that_only_stands_for_one_is_told(chart: str, values: dict[str, object]) -> None:
    text = notes(chart, **values)
    assert "does not exist" in text
    assert "docs/how-to/own-images.md" in text
    owned = {"repository": f"registry.example.org/media/{chart}"}
    assert "does not exist" not in notes(chart, image=owned, **values)
