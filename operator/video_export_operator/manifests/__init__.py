"""What the operator makes for a resource, as plain manifests.

Every manifest holds only the fields that the operator wants to own, ready for server-side apply.
"""

from video_export_operator.manifests.manifest import Manifest, Ref, build_children, build_workload
from video_export_operator.manifests.overlay import MERGE_KEYS, lay_over

__all__ = ["MERGE_KEYS", "Manifest", "Ref", "build_children", "build_workload", "lay_over"]
