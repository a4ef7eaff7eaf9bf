"""What the API server thinks of any object that somebody would apply: a server-side dry run, which changes nothing."""

from typing import Any

from video_export_operator.cluster.transport import APPLY, KindNotInstalled, Transport

PREVIEWER = "video-export-operator-plan"
"""The field manager that asks."""

SERVER_SIDE = frozenset({"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"})
"""Metadata that the API server writes: manifests that were read from it have them."""

Json = dict[str, Any]


async def try_out(transport: Transport, body: Json) -> None:
    """Ask for an opinion of an object; fields that its kind does not have are refused too.

    Raises:
        KindNotInstalled, Rejected, Forbidden and so on: what there is against it.
    """
    path, is_namespaced = await _find(transport, body)
    left_out = SERVER_SIDE if is_namespaced else SERVER_SIDE | {"namespace"}
    metadata = {key: value for key, value in body["metadata"].items() if key not in left_out}
    asked = {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}
    query = {"fieldManager": PREVIEWER, "dryRun": "All", "force": "true", "fieldValidation": "Strict"}
    await transport.request("PATCH", path, asked, APPLY, query)


async def _find(transport: Transport, body: Json) -> tuple[str, bool]:
    """Return the path of an object of any kind, and whether it lies in a namespace."""
    api_version, kind, metadata = body["apiVersion"], body["kind"], body["metadata"]
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    try:
        known = (await transport.request("GET", root))["resources"]
    except KindNotInstalled:
        known = []
    found = next((each for each in known if each["kind"] == kind and "/" not in each["name"]), None)
    if found is None:
        raise KindNotInstalled(f"the cluster has no {kind} of {api_version}")
    folder = f"namespaces/{metadata['namespace']}/{found['name']}" if found["namespaced"] else found["name"]
    return f"{root}/{folder}/{metadata['name']}", bool(found["namespaced"])
