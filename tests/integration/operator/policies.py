"""Admission policies of one namespace, as a cluster's owner sets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.operator.cluster import Namespace

API = "admissionregistration.k8s.io/v1"
NO_FOREIGN_IMAGES = "!object.spec.template.spec.containers.exists(c, c.image.startsWith('forbidden/'))"
ONLY_OTHER_IMAGES = "!object.spec.template.spec.containers.exists(c, c.image.startsWith('example/'))"


@contextmanager
def policy(namespace: Namespace, group: str, resource: str, expression: str) -> Iterator[str]:
    """Refuse what does not match an expression, with 403 as Gatekeeper does; yields the policy's name."""
    name = f"{namespace.name}-policy"
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}
    where = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}}}
    validation = {"expression": expression, "message": "the owner of the cluster says no", "reason": "Forbidden"}
    namespace.apply(
        _object(
            "ValidatingAdmissionPolicy",
            name,
            {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]},
        )
    )
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": where}
    namespace.apply(_object("ValidatingAdmissionPolicyBinding", name, binding))
    try:
        yield name
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            namespace.succeed("delete", kind, name, "--ignore-not-found")


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
