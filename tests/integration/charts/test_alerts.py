"""The alerts, by Prometheus' own programs, and as the chart ships them."""

import shutil
import subprocess
from pathlib import Path

from dev.debian_program import PROMTOOL
from tests import fast_yaml
from tests.integration.charts.helm import CHARTS, kinds, only, render
from tests.requirements import require

CHART = "video-export-operator"
ALERTS = CHARTS / CHART / "files" / "alerts.yaml"


def test_prometheus_fires_them_when_it_should(tmp_path: Path) -> None:
    promtool = PROMTOOL.find()
    require(promtool, "no promtool: `python -m dev promtool` fetches it")
    shutil.copy(ALERTS, tmp_path)
    shutil.copy(Path(__file__).with_name("alerts_test.yaml"), tmp_path)
    for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run([str(promtool), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_chart_ships_them_where_they_are_asked_for() -> None:
    assert "PrometheusRule" not in kinds(render(CHART))
    rule = only(
        render(CHART, {"metrics": {"prometheusRule": {"enabled": True, "labels": {"release": "p"}}}}), "PrometheusRule"
    )
    assert rule["spec"] == fast_yaml.load(ALERTS.read_text(encoding="utf-8"))
    assert rule["metadata"]["labels"]["release"] == "p"


def test_their_pages_may_be_kept_elsewhere() -> None:
    values = {"metrics": {"prometheusRule": {"enabled": True, "runbookUrl": "https://wiki.internal/video-export/"}}}
    (group,) = only(render(CHART, values), "PrometheusRule")["spec"]["groups"]
    for alert in group["rules"]:
        assert alert["annotations"]["runbook_url"] == f"https://wiki.internal/video-export/{alert['alert']}.md"
