"""The Kubernetes cluster: what the operator reads and writes there."""

from video_export_operator.cluster.client import Cluster
from video_export_operator.cluster.paths import path_of
from video_export_operator.cluster.transport import KindNotInstalled, find_namespace, load_configuration

__all__ = ["Cluster", "KindNotInstalled", "find_namespace", "load_configuration", "path_of"]
